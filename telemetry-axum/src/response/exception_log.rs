//! Exceptions: panics are caught and passed on, and each failure of the service becomes one log record.

use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use telemetry_api::current_span::panic_was_logged;

/// The type and the message of an error that ended a request.
#[derive(Clone, Copy)]
pub(crate) struct Exception<'a> {
    pub(crate) kind: &'static str,
    pub(crate) message: &'a dyn fmt::Display,
}

impl Exception<'_> {
    /// Records the exception in the current context: an event of level ERROR, as the conventions advise since 1.37,
    /// instead of an event of the span. The application's log filter applies to it.
    pub(crate) fn record(self) {
        let Self { kind, message } = self;
        tracing::error!(
            name: "http.server.request.exception",
            target: "telemetry_axum",
            { exception.type = kind, exception.message = %message },
            "request failed"
        );
    }
}

/// The message of a panic.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}

/// Polls code of the application and catches its panic. The caller must resume the panic.
#[inline]
pub(crate) fn catch_panic<T>(poll: impl FnOnce() -> T) -> thread::Result<T> {
    forget_logged_panic();
    // Nothing sees state that the panic has broken, because the panic is resumed.
    catch_unwind(AssertUnwindSafe(poll))
}

/// Writes a log record. This runs code of the application: the `Display` of its error and its subscriber. If that code
/// panics, the record is lost, and the request ends as usual.
pub(crate) fn log_safely(write: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(write)).is_err() {
        forget_logged_panic();
    }
}

/// Forgets that the panic hook has logged a panic on this thread, so that it is not mistaken for the next one.
fn forget_logged_panic() {
    panic_was_logged();
}
