//! The status of a call: the one that the server sent, or the one that tonic gives to a failure of the client.

use std::error::Error as StdError;

use http::HeaderMap;
use telemetry_semconv::rpc as semconv_rpc;
use tonic::{Code, ConnectError, Status, TimeoutExpired};

use crate::error_type;

/// A failure of the client, for which the server sent no status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GrpcFailure {
    /// The status that tonic gives to it.
    pub(super) status: &'static str,
    pub(super) error_type: &'static str,
}

/// Reads `grpc-status` from the trailers, or from the head of a call that failed at once.
pub(super) fn received(headers: &HeaderMap) -> Option<&'static str> {
    let status = headers.get("grpc-status")?;
    Some(semconv_rpc::status_code(i32::from(Code::from_bytes(
        status.as_bytes(),
    ))))
}

/// The status that tonic gives to an error of the channel or of the response stream.
pub(super) fn failure(error: &(dyn StdError + 'static)) -> GrpcFailure {
    let mut source = Some(error);
    while let Some(cause) = source {
        if let Some(status) = cause.downcast_ref::<Status>() {
            let code = semconv_rpc::status_code(i32::from(status.code()));
            return GrpcFailure {
                status: code,
                error_type: error_type::of_causes(error).unwrap_or(code),
            };
        }
        if cause.is::<TimeoutExpired>() {
            return GrpcFailure {
                status: "CANCELLED",
                error_type: "timeout",
            };
        }
        if cause.is::<ConnectError>() {
            return GrpcFailure {
                status: "UNAVAILABLE",
                error_type: error_type::of_connect(error),
            };
        }
        if let Some(hyper) = cause.downcast_ref::<hyper::Error>() {
            // The peer did not answer a keep-alive ping.
            if hyper.is_timeout() {
                return GrpcFailure {
                    status: "UNAVAILABLE",
                    error_type: "timeout",
                };
            }
            if hyper.is_canceled() {
                return GrpcFailure {
                    status: "CANCELLED",
                    error_type: error_type::of_causes(error).unwrap_or("transport"),
                };
            }
        }
        source = cause.source();
    }
    GrpcFailure {
        status: "UNKNOWN",
        error_type: error_type::of_causes(error).unwrap_or("transport"),
    }
}
