//! What went wrong inside the service, as one log record of the convention's.

use std::{any::Any, fmt};

/// A panic's message, if it has one.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}

/// Records an exception in the current context. By the convention it is an event of level ERROR and not one of the
/// span; it travels as any log does, so whoever filters logs decides about it, too.
pub(crate) fn record(kind: &str, message: &dyn fmt::Display) {
    tracing::error!(
        name: "http.server.request.exception",
        target: "telemetry_axum",
        { exception.type = kind, exception.message = %message },
        "request failed"
    );
}
