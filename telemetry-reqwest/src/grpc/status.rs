//! The status of a call: from trailers, from a response without any, or from the client's own failure.

use std::error::Error as StdError;

use http::HeaderMap;
use telemetry_semconv::rpc as semconv_rpc;
use tonic::{Code, ConnectError, Status, TimeoutExpired};

use crate::error_type;

/// How a call failed before the server said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The status that tonic generates for it.
    pub(crate) status: &'static str,
    pub(crate) error_type: &'static str,
}

/// `grpc-status`, in the trailers or, of a call that failed at once, in the head.
pub(crate) fn received(headers: &HeaderMap) -> Option<&'static str> {
    let status = headers.get("grpc-status")?;
    Some(semconv_rpc::status_code(i32::from(Code::from_bytes(
        status.as_bytes(),
    ))))
}

/// What tonic makes of an error of the channel or of a response's stream.
pub(crate) fn failure(error: &(dyn StdError + 'static)) -> Failure {
    let mut source = Some(error);
    while let Some(cause) = source {
        if let Some(status) = cause.downcast_ref::<Status>() {
            let code = semconv_rpc::status_code(i32::from(status.code()));
            return Failure {
                status: code,
                error_type: error_type::of_causes(error).unwrap_or(code),
            };
        }
        if cause.is::<TimeoutExpired>() {
            return Failure {
                status: "CANCELLED",
                error_type: "timeout",
            };
        }
        if cause.is::<ConnectError>() {
            return Failure {
                status: "UNAVAILABLE",
                error_type: error_type::of_connect(error),
            };
        }
        if let Some(hyper) = cause.downcast_ref::<hyper::Error>() {
            // A ping to keep the connection alive was not answered.
            if hyper.is_timeout() {
                return Failure {
                    status: "UNAVAILABLE",
                    error_type: "timeout",
                };
            }
            if hyper.is_canceled() {
                return Failure {
                    status: "CANCELLED",
                    error_type: error_type::of_causes(error).unwrap_or("transport"),
                };
            }
        }
        source = cause.source();
    }
    Failure {
        status: "UNKNOWN",
        error_type: error_type::of_causes(error).unwrap_or("transport"),
    }
}
