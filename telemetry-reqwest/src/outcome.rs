//! `telemetry.outcome`: how a call ended that returned neither a response nor an error.

use opentelemetry::KeyValue;

const OUTCOME: &str = "telemetry.outcome";

/// The caller dropped the call before its response. This is not an error.
pub(crate) const CANCELLED: &str = "cancelled";

/// The caller dropped the response's body before its end. This is not an error.
pub(crate) const BODY_DROPPED: &str = "body_dropped";

/// Code inside the call panicked.
pub(crate) const PANICKED: &str = "panicked";

pub(crate) fn attribute(outcome: &'static str) -> KeyValue {
    KeyValue::new(OUTCOME, outcome)
}
