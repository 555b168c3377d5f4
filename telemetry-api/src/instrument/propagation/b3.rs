//! B3, <https://github.com/openzipkin/b3-propagation>, as OpenTelemetry's "Propagators API" has it: both forms are read,
//! the single one first, and the configured one is written.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};

use super::ids;

const SINGLE: HeaderName = HeaderName::from_static("b3");
const TRACE_ID: HeaderName = HeaderName::from_static("x-b3-traceid");
const SPAN_ID: HeaderName = HeaderName::from_static("x-b3-spanid");
const SAMPLED: HeaderName = HeaderName::from_static("x-b3-sampled");
const FLAGS: HeaderName = HeaderName::from_static("x-b3-flags");

/// The caller asked for a debug trace, which must be said again to the next service.
#[derive(Clone, Copy, Debug)]
struct Debug;

pub(super) fn extract(parent: &Context, headers: &HeaderMap) -> Option<Context> {
    let single = headers.get(SINGLE).and_then(|value| value.to_str().ok());
    let (trace_id, span_id, sampling) = match single {
        Some(single) => parse_single(single)?,
        None => parse_multi(headers)?,
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

pub(super) fn inject_single(cx: &Context, headers: &mut HeaderMap) {
    let Some((trace_id, span_id, sampling)) = current(cx) else {
        return;
    };
    let sampling = sampling.as_str();
    if let Ok(value) = HeaderValue::try_from(format!("{trace_id}-{span_id}-{sampling}")) {
        // A map that is full drops it: a request is not to fail because of its headers.
        let _ = headers.try_insert(SINGLE, value);
    }
}

pub(super) fn inject_multi(cx: &Context, headers: &mut HeaderMap) {
    let Some((trace_id, span_id, sampling)) = current(cx) else {
        return;
    };
    for (name, id) in [
        (TRACE_ID, trace_id.to_string()),
        (SPAN_ID, span_id.to_string()),
    ] {
        if let Ok(value) = HeaderValue::try_from(id) {
            let _ = headers.try_insert(name, value);
        }
    }
    // The debug flag implies sampling and is sent instead of it.
    let (name, value, instead_of) = match sampling {
        Sampling::Debug => (FLAGS, "1", SAMPLED),
        Sampling::Accept => (SAMPLED, "1", FLAGS),
        Sampling::Deny => (SAMPLED, "0", FLAGS),
    };
    headers.remove(instead_of);
    let _ = headers.try_insert(name, HeaderValue::from_static(value));
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sampling {
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

    fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "0",
            Self::Accept => "1",
            Self::Debug => "d",
        }
    }
}

fn current(cx: &Context) -> Option<(TraceId, SpanId, Sampling)> {
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

/// `trace-span`, `trace-span-sampling` or `trace-span-sampling-parent`. A decision alone names no span to continue.
fn parse_single(text: &str) -> Option<(TraceId, SpanId, Sampling)> {
    let mut parts = text.trim().split('-');
    let trace_id = ids::trace_id(parts.next()?)?;
    let span_id = ids::span_id(parts.next()?)?;
    // Without a decision it is left to the receiver, whose parent-based sampler would obey a "no".
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
        .then_some((trace_id, span_id, sampling))
}

fn parse_multi(headers: &HeaderMap) -> Option<(TraceId, SpanId, Sampling)> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let trace_id = ids::trace_id(text(TRACE_ID)?.trim())?;
    let span_id = ids::span_id(text(SPAN_ID)?.trim())?;
    let sampling = match (text(FLAGS), text(SAMPLED)) {
        (Some("1"), _) => Sampling::Debug,
        (_, Some(sampled)) => Sampling::parse(sampled.trim()).filter(|s| *s != Sampling::Debug)?,
        (_, None) => Sampling::Accept,
    };
    Some((trace_id, span_id, sampling))
}
