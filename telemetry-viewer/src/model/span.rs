use std::sync::Arc;

use serde::Serialize;

use super::{Attributes, SpanId, TraceId, Value, attribute, attributes_as_map, heap_size};

/// One finished span as it was received.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Span {
    /// `service.name` of the resource; empty if the sender gave none.
    pub service: String,
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// Its own id.
    pub span_id: SpanId,
    /// The span it is a child of; `None` for a root.
    pub parent_span_id: Option<SpanId>,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: SpanKind,
    /// The instrumentation scope that recorded it.
    pub scope: String,
    /// Start, in nanoseconds since the Unix epoch.
    pub start_unix_nanos: u64,
    /// End, in nanoseconds since the Unix epoch.
    pub end_unix_nanos: u64,
    /// Its attributes.
    #[serde(serialize_with = "attributes_as_map")]
    pub attributes: Attributes,
    /// Its events, such as exceptions, in the order recorded.
    pub events: Vec<SpanEvent>,
    /// Spans it refers to without being their child.
    pub links: Vec<SpanLink>,
    /// Its status.
    pub status: SpanStatus,
    /// W3C trace flags in the low byte, OTLP's "parent is remote" bits above it.
    pub flags: u32,
    /// W3C `tracestate`; empty if there was none.
    pub trace_state: String,
    /// Attributes of the resource, shared by all spans of one export.
    #[serde(serialize_with = "attributes_as_map")]
    pub resource: Arc<Attributes>,
}

/// The role of a span in the conversation it is part of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SpanKind {
    /// The sender did not say.
    Unspecified,
    /// Work within one process.
    #[default]
    Internal,
    /// Answers a remote request.
    Server,
    /// Makes a remote request.
    Client,
    /// Hands a message to a broker.
    Producer,
    /// Takes a message from a broker.
    Consumer,
}

/// How the operation of a span ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "code", rename_all = "UPPERCASE")]
pub enum SpanStatus {
    /// Nothing was said, which is what success looks like.
    #[default]
    Unset,
    /// Declared a success by the application.
    Ok,
    /// Failed.
    Error {
        /// The reason; may be empty.
        message: String,
    },
}

/// Something that happened at one moment of a span.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SpanEvent {
    /// Moment, in nanoseconds since the Unix epoch.
    pub time_unix_nanos: u64,
    /// Name of the event, such as `exception`.
    pub name: String,
    /// Its attributes.
    #[serde(serialize_with = "attributes_as_map")]
    pub attributes: Attributes,
}

/// A reference to a span, mostly of another trace.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SpanLink {
    /// The trace referred to.
    pub trace_id: TraceId,
    /// The span referred to.
    pub span_id: SpanId,
    /// Attributes of the link.
    #[serde(serialize_with = "attributes_as_map")]
    pub attributes: Attributes,
}

impl Span {
    /// The first attribute of that key.
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        attribute(&self.attributes, key)
    }

    /// Time from start to end in nanoseconds; 0 if the sender's clock ran backwards.
    pub fn duration_nanos(&self) -> u64 {
        self.end_unix_nanos.saturating_sub(self.start_unix_nanos)
    }

    /// True if its status is an error.
    pub fn is_error(&self) -> bool {
        matches!(self.status, SpanStatus::Error { .. })
    }

    /// Memory of the span in bytes, without the resource it shares.
    pub(crate) fn size(&self) -> usize {
        let events: usize = self
            .events
            .iter()
            .map(|event| size_of::<SpanEvent>() + event.name.len() + heap_size(&event.attributes))
            .sum();
        let links: usize = self
            .links
            .iter()
            .map(|link| size_of::<SpanLink>() + heap_size(&link.attributes))
            .sum();
        let message = match &self.status {
            SpanStatus::Error { message } => message.len(),
            SpanStatus::Unset | SpanStatus::Ok => 0,
        };
        size_of::<Self>()
            + self.service.len()
            + self.name.len()
            + self.scope.len()
            + self.trace_state.len()
            + message
            + heap_size(&self.attributes)
            + events
            + links
    }
}

impl SpanKind {
    /// The kind in capitals, as OpenTelemetry writes it: `SERVER`, `CLIENT`, …
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "UNSPECIFIED",
            Self::Internal => "INTERNAL",
            Self::Server => "SERVER",
            Self::Client => "CLIENT",
            Self::Producer => "PRODUCER",
            Self::Consumer => "CONSUMER",
        }
    }
}
