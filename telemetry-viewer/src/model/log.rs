use std::sync::Arc;

use serde::Serialize;

use super::{Attributes, SpanId, TraceId, Value, attribute, attributes_as_map, heap_size};

/// One log record as it was received.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogRecord {
    /// `service.name` of the resource; empty if the sender gave none.
    pub service: String,
    /// The instrumentation scope that recorded it.
    pub scope: String,
    /// When it happened, or when it was observed if the sender did not say; nanoseconds since the
    /// Unix epoch.
    pub time_unix_nanos: u64,
    /// Severity as OTLP numbers it: 1-4 trace, 5-8 debug, 9-12 info, 13-16 warn, 17-20 error,
    /// 21-24 fatal, 0 unknown.
    pub severity_number: i32,
    /// Severity as the sender wrote it, or the name of the number's range if it wrote none.
    pub severity: String,
    /// Name of the event; empty for a plain log line.
    pub event_name: String,
    /// The message.
    pub body: Option<Value>,
    /// Its attributes.
    #[serde(serialize_with = "attributes_as_map")]
    pub attributes: Attributes,
    /// The trace it was written in.
    pub trace_id: Option<TraceId>,
    /// The span it was written in.
    pub span_id: Option<SpanId>,
    /// Attributes of the resource, shared by all records of one export.
    #[serde(skip)]
    pub resource: Arc<Attributes>,
}

impl LogRecord {
    /// The first attribute of that key.
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        attribute(&self.attributes, key)
    }

    /// The `correlation_id` attribute if it has one, else the trace id in hex.
    pub fn correlation_id(&self) -> Option<String> {
        self.attribute("correlation_id")
            .and_then(Value::as_str)
            .map(str::to_owned)
            .or_else(|| self.trace_id.map(|id| id.to_string()))
    }

    /// Whether `id` is its `correlation_id` attribute, or its trace id in hex of either case.
    pub fn has_correlation_id(&self, id: &str) -> bool {
        self.attribute("correlation_id")
            .is_some_and(|value| *value == *id)
            || id.parse().is_ok_and(|id| self.trace_id == Some(id))
    }

    /// What the record occupies in memory in bytes, without the resource it shares.
    pub(crate) fn size(&self) -> usize {
        size_of::<Self>()
            + self.service.len()
            + self.scope.len()
            + self.severity.len()
            + self.event_name.len()
            + self.body.as_ref().map_or(0, Value::heap_size)
            + heap_size(&self.attributes)
    }
}
