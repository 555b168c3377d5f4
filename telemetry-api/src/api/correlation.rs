//! The correlation id: one identifier that finds the trace, the logs and the response.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};

use crate::instrument::{context, random};

pub use telemetry_semconv::attribute::CORRELATION_ID;

/// The longest correlation id accepted from a caller, in bytes.
pub const MAX_LENGTH: usize = 128;

/// The identifier a caller quotes and the on-call engineer searches for.
///
/// It is the caller's id, if that is valid, and the trace id otherwise. So a lookup by correlation id
/// always finds the trace, and only an id from outside needs storage: it travels in the [`Context`].
///
/// ```
/// use telemetry_api::CorrelationId;
///
/// assert_eq!(CorrelationId::parse("abc-123").unwrap().as_str(), "abc-123");
/// assert!(CorrelationId::parse("two words").is_none());
/// ```
#[derive(Clone)]
pub struct CorrelationId(Repr);

#[derive(Clone)]
enum Repr {
    Foreign(Arc<str>),
    Trace(TraceIdText),
}

impl CorrelationId {
    /// Accepts 1 to 128 visible, URI-safe characters (RFC 3986 unreserved, and `:` `@` `+` `=` `/`, which ids in
    /// circulation contain). Anything else is `None`: it could forge log lines, headers or queries.
    pub fn parse(id: &str) -> Option<Self> {
        is_valid(id.as_bytes()).then(|| Self(Repr::Foreign(Arc::from(id))))
    }

    /// The id a trace has when its caller gave none: the trace id in lower-case hex.
    pub fn from_trace_id(trace_id: TraceId) -> Self {
        Self(Repr::Trace(TraceIdText::new(trace_id)))
    }

    /// A random id, for a request without a trace.
    pub fn random() -> Self {
        Self::from_trace_id(random::trace_id())
    }

    /// The correlation id of the current request; `None` outside of any request or span.
    pub fn current() -> Option<Self> {
        context::with_current(Self::of)
    }

    /// The correlation id of a context: the one stored in it, else its trace id.
    pub fn of(cx: &Context) -> Option<Self> {
        if let Some(id) = cx.get::<Self>() {
            return Some(id.clone());
        }
        let trace_id = cx
            .has_active_span()
            .then(|| cx.span().span_context().trace_id())?;
        (trace_id != TraceId::INVALID).then(|| Self::from_trace_id(trace_id))
    }

    /// The id that was given from outside and is carried by this context, if any.
    pub fn foreign(cx: &Context) -> Option<&Self> {
        cx.get::<Self>()
    }

    /// A copy of the context that carries this id.
    #[must_use]
    pub fn attach_to(self, cx: &Context) -> Context {
        cx.with_value(self)
    }

    /// A context for a request that nobody traces: of no span, with a random correlation id.
    ///
    /// It is a trace id without a span, so that the id needs no entry of its own in the context, which would take
    /// three allocations instead of one. No propagator sends it and no tracer takes it for a parent.
    pub fn untraced_context() -> Context {
        Context::new().with_remote_span_context(SpanContext::new(
            random::trace_id(),
            SpanId::INVALID,
            TraceFlags::NOT_SAMPLED,
            false,
            TraceState::NONE,
        ))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Repr::Foreign(id) => id,
            Repr::Trace(id) => id.as_str(),
        }
    }
}

/// An id is its text, wherever it came from.
impl PartialEq for CorrelationId {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for CorrelationId {}

impl Hash for CorrelationId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl CorrelationId {
    /// The id as bytes, for a header: all are visible ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Foreign(id) => id.as_bytes(),
            Repr::Trace(id) => &id.0,
        }
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CorrelationId({self})")
    }
}

impl From<CorrelationId> for opentelemetry::Value {
    fn from(id: CorrelationId) -> Self {
        match id.0 {
            Repr::Foreign(id) => id.into(),
            Repr::Trace(id) => id.as_str().to_owned().into(),
        }
    }
}

/// True if the bytes are a correlation id that we accept from a caller.
pub fn is_valid(id: &[u8]) -> bool {
    let allowed = |b: &u8| {
        b.is_ascii_alphanumeric()
            || matches!(
                b,
                b'-' | b'.' | b'_' | b'~' | b':' | b'@' | b'+' | b'=' | b'/'
            )
    };
    (1..=MAX_LENGTH).contains(&id.len()) && id.iter().all(allowed)
}

/// The 32 hex digits of a trace id, without an allocation.
#[derive(Clone)]
struct TraceIdText([u8; 32]);

impl TraceIdText {
    fn new(trace_id: TraceId) -> Self {
        let mut text = [0; 32];
        crate::instrument::hex::encode(&trace_id.to_bytes(), &mut text);
        Self(text)
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traced() -> Context {
        Context::new().with_remote_span_context(SpanContext::new(
            TraceId::from(0xabc),
            SpanId::from(1),
            TraceFlags::SAMPLED,
            true,
            TraceState::default(),
        ))
    }

    #[test]
    fn hostile_ids_are_refused() {
        let long = "a".repeat(MAX_LENGTH + 1);
        for id in [
            "",
            " ",
            "a b",
            "a\n",
            "é",
            "a,b",
            "<script>",
            "a;b",
            "\"",
            "{}",
            long.as_str(),
        ] {
            assert_eq!(CorrelationId::parse(id), None, "{id:?}");
        }
        assert!(CorrelationId::parse(&"a".repeat(MAX_LENGTH)).is_some());
    }

    #[test]
    fn the_callers_id_wins_over_the_trace_id() {
        let cx = traced();
        assert_eq!(
            CorrelationId::of(&cx).unwrap().as_str(),
            "00000000000000000000000000000abc"
        );
        let cx = CorrelationId::parse("abc-123").unwrap().attach_to(&cx);
        assert_eq!(CorrelationId::of(&cx).unwrap().as_str(), "abc-123");
    }

    #[test]
    fn an_id_equals_its_text_wherever_it_came_from() {
        let own = CorrelationId::of(&traced()).unwrap();
        assert_eq!(CorrelationId::parse(own.as_str()), Some(own));
    }

    #[test]
    fn an_untraced_context_has_an_id_and_no_span() {
        let cx = CorrelationId::untraced_context();
        let id = CorrelationId::of(&cx).unwrap();
        assert_eq!(id.as_str().len(), 32);
        assert_ne!(
            CorrelationId::of(&CorrelationId::untraced_context()),
            Some(id)
        );
        assert!(!cx.span().span_context().is_valid());
    }

    #[test]
    fn there_is_none_outside_of_a_request() {
        assert_eq!(CorrelationId::of(&Context::new()), None);
    }
}
