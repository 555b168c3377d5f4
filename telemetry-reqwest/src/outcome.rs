//! `telemetry.outcome`: how a call ended that returned neither a response nor an error.

use opentelemetry::KeyValue;
use telemetry_semconv::outcome::TELEMETRY_OUTCOME;

pub(crate) use telemetry_semconv::outcome::{BODY_DROPPED, CANCELLED, PANICKED};

pub(crate) fn attribute(outcome: &'static str) -> KeyValue {
    KeyValue::new(TELEMETRY_OUTCOME, outcome)
}
