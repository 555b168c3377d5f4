//! Zipkin's B3, <https://github.com/openzipkin/b3-propagation>, as OpenTelemetry's "Propagators API" has it: both forms are
//! read, the single one first, and the configured one is written.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};

use super::{Received, ids};
use crate::instrument::random;

pub(super) const SINGLE: HeaderName = HeaderName::from_static("b3");
pub(super) const TRACE_ID: HeaderName = HeaderName::from_static("x-b3-traceid");
pub(super) const SPAN_ID: HeaderName = HeaderName::from_static("x-b3-spanid");
pub(super) const SAMPLED: HeaderName = HeaderName::from_static("x-b3-sampled");
pub(super) const FLAGS: HeaderName = HeaderName::from_static("x-b3-flags");

/// The caller asked for a debug trace, and the next service must hear it, too.
#[derive(Clone, Copy, Debug)]
struct Debug;

pub(super) fn receive(received: Received, headers: &HeaderMap) -> Received {
    received.in_context().extended(|cx| extract(cx, headers))
}

fn extract(parent: &Context, headers: &HeaderMap) -> Option<Context> {
    let single = headers.get(SINGLE).and_then(|value| value.to_str().ok());
    let sent = match single {
        Some(single) => parse_single(single)?,
        None => parse_multi(headers)?,
    };
    let (trace_id, span_id, sampling) = match sent {
        Sent::Span(trace_id, span_id, sampling) => (trace_id, span_id, sampling),
        // Another format has named a span, with a decision of its own.
        Sent::Denied if parent.span().span_context().is_valid() => return None,
        // Samplers obey an unsampled parent, so there must be one. Nobody records spans below it, so nobody misses it.
        Sent::Denied => (random::trace_id(), random::span_id(), Sampling::Deny),
    };
    let flags = if sampling == Sampling::Deny {
        TraceFlags::default()
    } else {
        TraceFlags::SAMPLED
    };
    let span = SpanContext::new(trace_id, span_id, flags, true, TraceState::default());
    let cx = parent.with_remote_span_context(span);
    Some(if sampling == Sampling::Debug {
        cx.with_value(Debug)
    } else {
        cx
    })
}

/// The content of the headers.
enum Sent {
    Span(TraceId, SpanId, Sampling),
    /// The decision not to sample, alone. The other decisions name no span to continue, and the sampler here makes them
    /// anew.
    Denied,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sampling {
    Deny,
    Accept,
    Debug,
}

impl Sampling {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "0" | "false" => Some(Self::Deny),
            "1" | "true" => Some(Self::Accept),
            "d" => Some(Self::Debug),
            _ => None,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "0",
            Self::Accept => "1",
            Self::Debug => "d",
        }
    }
}

/// The ids and the decision to send.
pub(super) fn current(cx: &Context) -> Option<(TraceId, SpanId, Sampling)> {
    let span = cx.span();
    let span = span.span_context();
    let sampling = match (cx.get::<Debug>(), span.is_sampled()) {
        (Some(_), _) => Sampling::Debug,
        (None, true) => Sampling::Accept,
        (None, false) => Sampling::Deny,
    };
    span.is_valid()
        .then(|| (span.trace_id(), span.span_id(), sampling))
}

/// `trace-span`, `trace-span-sampling`, `trace-span-sampling-parent`, or `0` alone.
fn parse_single(text: &str) -> Option<Sent> {
    let text = text.trim();
    if Sampling::parse(text) == Some(Sampling::Deny) {
        return Some(Sent::Denied);
    }
    let mut parts = text.split('-');
    let trace_id = ids::trace_id(parts.next()?)?;
    let span_id = ids::span_id(parts.next()?)?;
    // Without a decision the receiver decides, and its parent-based sampler would obey a "no".
    let sampling = match parts.next() {
        Some(sampling) => Sampling::parse(sampling)?,
        None => Sampling::Accept,
    };
    if let Some(parent) = parts.next() {
        ids::span_id(parent)?;
    }
    parts
        .next()
        .is_none()
        .then_some(Sent::Span(trace_id, span_id, sampling))
}

fn parse_multi(headers: &HeaderMap) -> Option<Sent> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
            .map(str::trim)
    };
    let sampling = match (text(FLAGS), text(SAMPLED)) {
        (Some("1"), _) => Sampling::Debug,
        (_, Some(sampled)) => Sampling::parse(sampled).filter(|s| *s != Sampling::Debug)?,
        (_, None) => Sampling::Accept,
    };
    match (text(TRACE_ID), text(SPAN_ID)) {
        (None, None) => (sampling == Sampling::Deny).then_some(Sent::Denied),
        (trace_id, span_id) => Some(Sent::Span(
            ids::trace_id(trace_id?)?,
            ids::span_id(span_id?)?,
            sampling,
        )),
    }
}
