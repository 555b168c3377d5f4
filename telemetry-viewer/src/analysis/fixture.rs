//! Spans for tests.

use std::sync::Arc;

use crate::model::{Attributes, Span, SpanId, SpanKind, SpanStatus, Trace, TraceId, Value};

pub(crate) const TRACE: TraceId = TraceId([7; 16]);

pub(crate) fn id(number: u64) -> SpanId {
    SpanId(number.to_be_bytes())
}

/// A span of the service `web`, from and to so many milliseconds after a moment.
pub(crate) fn span(number: u64, parent: u64, name: &str, from: u64, to: u64) -> Span {
    let start = 1_700_000_000_000_000_000;
    Span {
        service: "web".into(),
        trace_id: TRACE,
        span_id: id(number),
        parent_span_id: (parent != 0).then(|| id(parent)),
        name: name.into(),
        kind: SpanKind::Internal,
        scope: "steps".into(),
        start_unix_nanos: start + from * 1_000_000,
        end_unix_nanos: start + to * 1_000_000,
        attributes: Vec::new(),
        events: Vec::new(),
        links: Vec::new(),
        status: SpanStatus::Unset,
        flags: 1,
        trace_state: String::new(),
        resource: Arc::default(),
    }
}

pub(crate) trait SpanExt {
    fn kind(self, kind: SpanKind) -> Self;
    fn failed(self, message: &str) -> Self;
    fn with(self, key: &str, value: &str) -> Self;
    fn of(self, service: &str) -> Self;
}

impl SpanExt for Span {
    fn kind(self, kind: SpanKind) -> Self {
        Self { kind, ..self }
    }

    fn failed(self, message: &str) -> Self {
        let message = message.to_owned();
        let status = SpanStatus::Error { message };
        Self { status, ..self }
    }

    fn with(mut self, key: &str, value: &str) -> Self {
        self.attributes.push((key.into(), Value::from(value)));
        self
    }

    fn of(self, service: &str) -> Self {
        let resource: Attributes = vec![("service.name".into(), Value::from(service))];
        Self {
            service: service.into(),
            resource: Arc::new(resource),
            ..self
        }
    }
}

pub(crate) fn trace(spans: impl IntoIterator<Item = Span>) -> Trace {
    Trace::new(TRACE, spans)
}

/// A request that reads a list and then each of its items.
pub(crate) fn n_plus_one(items: u64) -> Trace {
    let read = |number: u64| {
        span(number + 2, 1, "SELECT users", 5 + number, 6 + number)
            .kind(SpanKind::Client)
            .with("db.system.name", "postgresql")
            .with("db.query.text", "SELECT * FROM users WHERE id = $1")
    };
    let root = span(1, 0, "GET /report", 0, 10 + items)
        .kind(SpanKind::Server)
        .with("http.response.status_code", "200");
    trace([root].into_iter().chain((0..items).map(read)))
}
