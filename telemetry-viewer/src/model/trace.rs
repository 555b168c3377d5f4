use std::collections::HashSet;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::{Span, SpanId, TraceId, summary};

/// The attribute that carries a caller's own correlation id on a span.
const CORRELATION_ID: &str = "correlation_id";

/// What has arrived of one trace so far.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trace {
    /// Its id.
    pub trace_id: TraceId,
    /// Its spans by start time, then span id. Never empty when it comes from a store.
    #[serde(serialize_with = "spans_as_list")]
    pub spans: Vec<Arc<Span>>,
}

impl Trace {
    /// A trace of these spans, which it sorts by start time, then span id.
    pub fn new(trace_id: TraceId, spans: impl IntoIterator<Item = impl Into<Arc<Span>>>) -> Self {
        let mut spans: Vec<Arc<Span>> = spans.into_iter().map(Into::into).collect();
        spans.sort_by_key(|span| (span.start_unix_nanos, span.span_id));
        Self { trace_id, spans }
    }

    /// The span everything else descends from: the first one without a parent, else the first one
    /// whose parent has not been received, else the first one.
    pub fn root(&self) -> Option<&Span> {
        summary::root(&self.spans).map(AsRef::as_ref)
    }

    /// How long the caller waited: the duration of the root span, in nanoseconds. Spans that go on after it, such as
    /// jobs of a worker, count for [`duration_nanos`](Self::duration_nanos) only.
    pub fn response_nanos(&self) -> u64 {
        self.root().map_or(0, Span::duration_nanos)
    }

    /// The span of that id.
    pub fn span(&self, span_id: SpanId) -> Option<&Span> {
        self.spans
            .iter()
            .find(|span| span.span_id == span_id)
            .map(AsRef::as_ref)
    }

    /// The first span of that name, by start time.
    pub fn span_named(&self, name: &str) -> Option<&Span> {
        self.spans
            .iter()
            .find(|span| span.name == name)
            .map(AsRef::as_ref)
    }

    /// The caller's correlation id if a span carries one, else the trace id in hex.
    pub fn correlation_id(&self) -> String {
        self.spans
            .iter()
            .find_map(|span| span.attribute(CORRELATION_ID)?.as_str())
            .map_or_else(|| self.trace_id.to_string(), str::to_owned)
    }

    /// Whether `id` is the trace id in hex of either case, or the correlation id of any span.
    pub fn has_correlation_id(&self, id: &str) -> bool {
        id.parse() == Ok(self.trace_id) || self.spans.iter().any(|span| carries(span, id))
    }

    /// Names of the services that took part, in the order in which they did.
    pub fn services(&self) -> Vec<&str> {
        let mut seen = HashSet::new();
        self.spans
            .iter()
            .map(|span| span.service.as_str())
            .filter(|service| seen.insert(*service))
            .collect()
    }

    /// Start of the earliest span, in nanoseconds since the Unix epoch.
    pub fn start_unix_nanos(&self) -> u64 {
        self.spans.first().map_or(0, |span| span.start_unix_nanos)
    }

    /// Time from the earliest start to the latest end, in nanoseconds.
    pub fn duration_nanos(&self) -> u64 {
        self.spans
            .iter()
            .map(|span| span.end_unix_nanos)
            .max()
            .map_or(0, |end| end.saturating_sub(self.start_unix_nanos()))
    }

    /// Whether any span has an error status.
    pub fn has_error(&self) -> bool {
        self.spans.iter().any(|span| span.is_error())
    }
}

/// Whether the span carries that correlation id as an attribute.
fn carries(span: &Span, id: &str) -> bool {
    span.attribute(CORRELATION_ID)
        .is_some_and(|value| *value == *id)
}

fn spans_as_list<S: Serializer>(spans: &[Arc<Span>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(spans.iter().map(AsRef::as_ref))
}
