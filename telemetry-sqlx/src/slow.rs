//! Slow statements: one line in the log, with the ids of the trace.

use std::time::Duration;

use opentelemetry::{Context, KeyValue};

use crate::{failure::Failure, statement::Statement};

/// On the span of a slow statement.
pub(crate) const ATTRIBUTE: &str = "telemetry.slow_query";

/// Tells of a slow statement, in the context of its span, from which logs take the ids.
#[cold]
pub(crate) fn warn(
    cx: &Context,
    statement: &Statement,
    took: Duration,
    rows: Option<&KeyValue>,
    failure: Option<&Failure>,
) {
    let _current = cx.clone().attach();
    let rows = rows.and_then(|rows| match rows.value {
        opentelemetry::Value::I64(rows) => Some(rows),
        _ => None,
    });
    tracing::warn!(
        target: "telemetry_sqlx::slow_query",
        duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "db.query.summary" = &*statement.name,
        rows,
        "error.type" = failure.map(Failure::as_str),
        "slow query"
    );
}
