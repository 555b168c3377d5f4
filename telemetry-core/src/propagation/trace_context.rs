//! W3C Trace Context, <https://www.w3.org/TR/trace-context-2/>.

use std::str::FromStr;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};

use super::PresentHeaders;
use crate::hex;

static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// `00-` trace id `-` parent id `-` flags.
const LENGTH: usize = 55;

/// Bounds the work a hostile caller can ask for; the specification asks for at least 512.
const MAX_TRACESTATE: usize = 8192;

/// The caller's span.
pub(super) fn extract(headers: &HeaderMap, present: PresentHeaders) -> Option<SpanContext> {
    if !present.perhaps(&TRACEPARENT) {
        return None;
    }
    let mut values = headers.get_all(&TRACEPARENT).iter();
    let header = values.next()?;
    // Two traceparents contradict each other: the trace restarts, as the specification's test suite expects.
    if values.next().is_some() {
        return None;
    }
    let (trace_id, span_id, flags) = parse(header.as_bytes())?;
    let state = if present.perhaps(&TRACESTATE) {
        trace_state(headers)
    } else {
        TraceState::NONE
    };
    Some(SpanContext::new(trace_id, span_id, flags, true, state))
}

pub(super) fn inject(cx: &Context, headers: &mut HeaderMap) {
    if !cx.has_active_span() {
        return;
    }
    let span = cx.span();
    let span_context = span.span_context();
    if !span_context.is_valid() {
        return;
    }
    if let Ok(value) = HeaderValue::from_bytes(&format(span_context)) {
        // A map that is full drops it: a request is not to fail because of its headers.
        let _ = headers.try_insert(&TRACEPARENT, value);
    }
    let state = span_context.trace_state();
    // An empty tracestate would be sent to every service for nothing; a stale one would belong to another span.
    if *state == TraceState::NONE {
        headers.remove(&TRACESTATE);
        return;
    }
    match HeaderValue::try_from(state.header()) {
        Ok(value) if !value.is_empty() => {
            let _ = headers.try_insert(&TRACESTATE, value);
        }
        _ => {
            headers.remove(&TRACESTATE);
        }
    }
}

fn parse(header: &[u8]) -> Option<(TraceId, SpanId, TraceFlags)> {
    let header = header.trim_ascii();
    let version = hex::decode::<1>(header.get(..2)?)?[0];
    // 255 is forbidden; version 0 is exactly this long; a future version may only append `-...`.
    let well_formed = match header.len() {
        LENGTH => version != 0xff,
        longer if longer > LENGTH => {
            version != 0xff && version != 0 && header.get(LENGTH) == Some(&b'-')
        }
        _ => false,
    };
    let dashes = [2, 35, 52].iter().all(|at| header.get(*at) == Some(&b'-'));
    if !(well_formed && dashes) {
        return None;
    }
    let trace_id = TraceId::from_bytes(hex::decode(header.get(3..35)?)?);
    let span_id = SpanId::from_bytes(hex::decode(header.get(36..52)?)?);
    let [flags] = hex::decode::<1>(header.get(53..55)?)?;
    let known = TraceFlags::new(flags & 0b11);
    (trace_id != TraceId::INVALID && span_id != SpanId::INVALID)
        .then_some((trace_id, span_id, known))
}

fn format(span_context: &SpanContext) -> [u8; LENGTH] {
    let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
    hex::encode(&span_context.trace_id().to_bytes(), &mut text[3..35]);
    hex::encode(&span_context.span_id().to_bytes(), &mut text[36..52]);
    hex::encode(&[span_context.trace_flags().to_u8()], &mut text[53..55]);
    text
}

fn trace_state(headers: &HeaderMap) -> TraceState {
    let mut joined = String::new();
    for value in headers.get_all(&TRACESTATE) {
        let Ok(text) = value.to_str() else {
            return TraceState::default();
        };
        if joined.len() + text.len() > MAX_TRACESTATE {
            return TraceState::default();
        }
        for member in text
            .split(',')
            .map(str::trim)
            .filter(|member| !member.is_empty())
        {
            if !is_member(member) {
                return TraceState::default();
            }
            if !joined.is_empty() {
                joined.push(',');
            }
            joined.push_str(member);
        }
    }
    if joined.is_empty() || joined.split(',').count() > 32 {
        return TraceState::default();
    }
    TraceState::from_str(&joined).unwrap_or_default()
}

/// `key=value` as the grammar of Trace Context level 2 has it.
fn is_member(member: &str) -> bool {
    let Some((key, value)) = member.split_once('=') else {
        return false;
    };
    let first = key
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let key_byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-*/@".contains(&b);
    let value_byte = |b: u8| matches!(b, b' '..=b'~') && b != b',' && b != b'=';
    first
        && key.len() <= 256
        && key.bytes().all(key_byte)
        && (1..=256).contains(&value.len())
        && value.bytes().all(value_byte)
}
