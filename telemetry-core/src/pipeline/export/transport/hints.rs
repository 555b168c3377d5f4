//! What to look at first, where a failure has a usual cause that its text does not name.

use super::{Answered, ExportError};
use crate::pipeline::endpoint::Protocol;

const CLIENT_CERTIFICATE: &str = "; if the collector requires a client certificate, set \
                                  OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY";
const NO_TLS: &str = "; if the collector speaks no TLS there, use http:// instead of https://, or set \
                      OTEL_EXPORTER_OTLP_INSECURE to true for an endpoint of gRPC without either";
const PORT_OF_GRPC: &str = "; if this is a port of gRPC, set OTEL_EXPORTER_OTLP_PROTOCOL to grpc, or use that of HTTP, by default 4318";
const PORT_OF_HTTP: &str = "; if this is a port of HTTP, set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf, or use that \
                            of gRPC, by default 4317";
const PATH: &str = "; OTEL_EXPORTER_OTLP_ENDPOINT is a base to which /v1/traces, /v1/metrics or /v1/logs is added, a \
                    signal's own endpoint is used as it is";

/// The hint, if there is one. `anonymous` is whether TLS is spoken without a certificate of our own.
pub(super) fn of(error: &ExportError, protocol: Protocol, anonymous: bool) -> Option<&'static str> {
    let says = |texts: &[&str]| texts.iter().any(|text| error.message.contains(text));
    let grpc = protocol == Protocol::Grpc;
    match error.answered {
        Some(Answered::Http(404 | 405)) => Some(PATH),
        _ if says(&["InvalidContentType"]) => Some(NO_TLS),
        // A server that misses a client certificate closes the connection, and often that is all one sees of it.
        _ if anonymous
            && says(&[
                "CertificateRequired",
                "HandshakeFailure",
                "broken pipe",
                "reset",
                "closed",
            ]) =>
        {
            Some(CLIENT_CERTIFICATE)
        }
        // hyper got the preface of HTTP/2, in two of its states.
        _ if !grpc && says(&["unexpected message from connection", "invalid HTTP version"]) => {
            Some(PORT_OF_GRPC)
        }
        // Text where tonic expected a frame or the flag of a message.
        _ if grpc && says(&["invalid compression flag", "frame with invalid size"]) => {
            Some(PORT_OF_HTTP)
        }
        _ => None,
    }
}
