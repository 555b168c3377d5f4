//! The first thing to look at, where a failure has a usual cause that its text does not name.

use http::StatusCode;

pub(crate) const NOT_A_COLLECTOR: &str = "; another server than a collector may listen there, or a proxy answered: check \
                                          OTEL_EXPORTER_OTLP_ENDPOINT, by default port 4318 of OTLP over HTTP";
const PORT_OF_GRPC: &str = "; if this is a port of gRPC, set OTEL_EXPORTER_OTLP_PROTOCOL to grpc, or use that of HTTP, \
                            by default 4318";
const PATH: &str = "; if the path is wrong: OTEL_EXPORTER_OTLP_ENDPOINT is a base to which /v1/traces, /v1/metrics or /v1/logs is added, a \
                    signal's own endpoint is used as it is";
const CREDENTIALS: &str = "; if the collector needs a key, set it in OTEL_EXPORTER_OTLP_HEADERS";
const TOO_LARGE: &str =
    "; the collector or a proxy before it accepts only smaller requests: raise its limit to 4 MiB";

const CLIENT_CERTIFICATE: &str = "; if the collector requires a client certificate, set \
                                  OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY";
const NO_TLS: &str = "; if the collector speaks no TLS there, use http:// instead of https://, or set \
                      OTEL_EXPORTER_OTLP_INSECURE to true for an endpoint of gRPC without either";
const ISSUER: &str = "; set OTEL_EXPORTER_OTLP_CERTIFICATE to the PEM file of the authority that issued the collector's \
                      certificate";
const NAME: &str =
    "; use the name in OTEL_EXPORTER_OTLP_ENDPOINT that the collector's certificate is for";
const EXPIRED: &str = "; renew the collector's certificate, or correct the clock of this machine";

/// The hint for a status of HTTP; empty if there is none.
pub(crate) fn status(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 | 403 => CREDENTIALS,
        404 | 405 => PATH,
        413 => TOO_LARGE,
        _ => "",
    }
}

/// A reason why there is no answer over HTTP, with its hint.
pub(crate) fn http(reason: String) -> String {
    // hyper got the preface of HTTP/2, in two of its states.
    let grpc = ["unexpected message from connection", "invalid HTTP version"];
    with(reason, &[(&grpc, PORT_OF_GRPC)])
}

/// A reason why a connection could not be made or broke, with its hint.
pub(crate) fn connection(reason: String) -> String {
    with(
        reason,
        &[
            (&["InvalidContentType"], NO_TLS),
            (
                &["UnknownIssuer", "self-signed", "CaUsedAsEndEntity"],
                ISSUER,
            ),
            (&["NotValidForName", "not valid for name"], NAME),
            (
                &["Expired", "expired", "NotValidYet", "not valid yet"],
                EXPIRED,
            ),
            (
                &["CertificateRequired", "HandshakeFailure"],
                CLIENT_CERTIFICATE,
            ),
        ],
    )
}

/// A reason why a secure connection without a certificate of our own broke, with its hint.
pub(crate) fn anonymous(reason: String) -> String {
    // A server that misses a client certificate closes the connection, and often that is all one sees of it.
    with(
        reason,
        &[(&["broken pipe", "reset", "closed"], CLIENT_CERTIFICATE)],
    )
}

fn with(mut reason: String, hints: &[(&[&str], &str)]) -> String {
    let known = |texts: &[&str]| texts.iter().any(|text| reason.contains(text));
    // A reason has one hint.
    if let Some((_, hint)) = hints.iter().find(|(texts, _)| known(texts))
        && !reason.contains("OTEL_EXPORTER_OTLP_")
    {
        reason.push_str(hint);
    }
    reason
}

#[cfg(test)]
mod tests {
    use rustls::{
        AlertDescription, CertificateError, Error, InvalidMessage,
        pki_types::{ServerName, UnixTime},
    };

    use super::*;

    #[test]
    fn each_kind_of_certificate_error_ends_with_the_thing_to_do() {
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1));
        let expected = ServerName::try_from("collector").unwrap();
        let of = Error::InvalidCertificate;
        for (error, hint) in [
            (of(CertificateError::UnknownIssuer), ISSUER),
            (of(CertificateError::NotValidForName), NAME),
            (
                of(CertificateError::NotValidForNameContext {
                    expected,
                    presented: vec!["localhost".to_owned()],
                }),
                NAME,
            ),
            (of(CertificateError::Expired), EXPIRED),
            (
                of(CertificateError::ExpiredContext {
                    time,
                    not_after: time,
                }),
                EXPIRED,
            ),
            (of(CertificateError::NotValidYet), EXPIRED),
            (
                of(CertificateError::NotValidYetContext {
                    time,
                    not_before: time,
                }),
                EXPIRED,
            ),
            (
                Error::AlertReceived(AlertDescription::CertificateRequired),
                CLIENT_CERTIFICATE,
            ),
            (InvalidMessage::InvalidContentType.into(), NO_TLS),
        ] {
            let reason = connection(error.to_string());
            assert!(reason.ends_with(hint), "{reason}");
        }
        assert_eq!(connection("refused".to_owned()), "refused");
    }
}
