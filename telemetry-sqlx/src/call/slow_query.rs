//! The log of slow statements: one line, with the ids of the trace.

use std::time::Duration;
use telemetry_semconv::outcome::TELEMETRY_SLOW_QUERY;

use opentelemetry::{Context, KeyValue};

use crate::{error_type::SqlErrorType, statement::Statement};

/// Marks the span of a slow statement.
pub(super) fn attribute() -> KeyValue {
    KeyValue::new(TELEMETRY_SLOW_QUERY, true)
}

/// Logs a slow statement at `WARN`. `cx` is the context of its span, from which the log takes the trace ids.
#[cold]
pub(super) fn warn(
    cx: &Context,
    statement: &Statement,
    took: Duration,
    rows: Option<i64>,
    error: Option<&SqlErrorType>,
) {
    let _current = cx.clone().attach();
    tracing::warn!(
        target: "telemetry_sqlx::slow_query",
        duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "db.query.summary" = &*statement.span_name,
        rows,
        "error.type" = error.map(SqlErrorType::as_str),
        "slow query"
    );
}
