//! `telemetry.outcome`: how a call ended that returned neither a result nor an error.

use opentelemetry::KeyValue;
use telemetry_semconv::outcome::{CANCELLED, PANICKED, TELEMETRY_OUTCOME};

/// The caller dropped the call while it waited. This is not an error: when a client goes away, the statements of its
/// request must not look like a broken database.
pub(crate) fn cancelled() -> KeyValue {
    KeyValue::new(TELEMETRY_OUTCOME, CANCELLED)
}

/// The driver or a hook of the pool panicked.
pub(crate) fn panicked() -> KeyValue {
    KeyValue::new(TELEMETRY_OUTCOME, PANICKED)
}
