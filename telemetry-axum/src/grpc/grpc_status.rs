//! The status of a gRPC call.

use telemetry_semconv::rpc as semconv_rpc;

/// The status of a method that the server does not have.
pub(crate) const UNIMPLEMENTED: &str = "UNIMPLEMENTED";

/// The status of a call that the client has cancelled.
pub(crate) const CANCELLED: &str = "CANCELLED";

/// The status of a call that ended without one.
pub(crate) const UNKNOWN: &str = "UNKNOWN";

/// The status of a call that took longer than its caller, or the server, allows.
pub(crate) const DEADLINE_EXCEEDED: &str = "DEADLINE_EXCEEDED";

/// Returns true for a status by which the layers in front of a service refuse calls, also of methods that do not exist.
pub(crate) fn is_refusal(status: &str) -> bool {
    matches!(
        status,
        "UNIMPLEMENTED"
            | "UNAUTHENTICATED"
            | "PERMISSION_DENIED"
            | "RESOURCE_EXHAUSTED"
            | "UNAVAILABLE"
            | "DEADLINE_EXCEEDED"
            | "CANCELLED"
    )
}

/// The name of a `grpc-status` header. `UNKNOWN` for a value that is not a status code, as clients treat it.
pub(crate) fn status_name(code: &[u8]) -> &'static str {
    match code {
        [digit @ b'0'..=b'9'] => semconv_rpc::status_code(i32::from(digit - b'0')),
        [b'1', digit @ b'0'..=b'9'] => semconv_rpc::status_code(10 + i32::from(digit - b'0')),
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_names_and_other_text_is_unknown() {
        for (code, name) in [
            ("0", "OK"),
            ("2", "UNKNOWN"),
            ("9", "FAILED_PRECONDITION"),
            ("10", "ABORTED"),
            ("16", "UNAUTHENTICATED"),
            ("17", "UNKNOWN"),
            ("00", "UNKNOWN"),
            ("+0", "UNKNOWN"),
            ("", "UNKNOWN"),
        ] {
            assert_eq!(status_name(code.as_bytes()), name, "{code:?}");
        }
    }
}
