//! What to look at first, where a failure has a usual cause that its text does not name.

use super::{Answered, ExportError};
use crate::otlp::endpoint::Protocol;

const CLIENT_CERTIFICATE: &str = "; if the collector requires a client certificate, set \
                                  OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY";
const NO_TLS: &str = "; if the collector speaks no TLS there, use http:// instead of https://, or set \
                      OTEL_EXPORTER_OTLP_INSECURE to true for an endpoint of gRPC without either";
const PORT_OF_GRPC: &str = "; if this is a port of gRPC, set OTEL_EXPORTER_OTLP_PROTOCOL to grpc, or use that of HTTP, \
                            by default 4318";
const PORT_OF_HTTP: &str = "; if this is a port of HTTP, set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf, or use that \
                            of gRPC, by default 4317";
const PATH: &str = "; if the path is wrong: OTEL_EXPORTER_OTLP_ENDPOINT is a base to which /v1/traces, /v1/metrics or /v1/logs is added, a \
                    signal's own endpoint is used as it is";

/// The hint, if there is one. `anonymous` is whether TLS is spoken without a certificate of our own.
pub(crate) fn of(error: &ExportError, protocol: Protocol, anonymous: bool) -> Option<&'static str> {
    let says = |texts: &[&str]| texts.iter().any(|text| error.message.contains(text));
    let grpc = protocol == Protocol::Grpc;
    if let Some(answered) = error.answered {
        // What else it says are the collector's own words.
        return match answered {
            Answered::Http(404 | 405) => Some(PATH),
            // tonic's, for an answer that is none of gRPC.
            Answered::Grpc(_) if says(&["invalid compression flag", "mapped from HTTP status"]) => {
                Some(PORT_OF_HTTP)
            }
            _ => None,
        };
    }
    if says(&["InvalidContentType"]) {
        Some(NO_TLS)
    } else if anonymous
        && says(&[
            "CertificateRequired",
            "HandshakeFailure",
            "broken pipe",
            "reset",
            "closed",
        ])
    {
        // A server that misses a client certificate closes the connection, and often that is all one sees of it.
        Some(CLIENT_CERTIFICATE)
    } else if grpc {
        // Text where a frame should be.
        says(&["frame with invalid size"]).then_some(PORT_OF_HTTP)
    } else {
        // hyper got the preface of HTTP/2, in two of its states.
        says(&["unexpected message from connection", "invalid HTTP version"])
            .then_some(PORT_OF_GRPC)
    }
}
