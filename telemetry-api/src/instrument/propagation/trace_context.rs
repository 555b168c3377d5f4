//! W3C Trace Context, <https://www.w3.org/TR/trace-context-2/>.

use std::str::FromStr;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};

use super::{PresentHeaders, Received, is_repeated};
use crate::instrument::hex;

pub(super) const NAME: &str = "tracecontext";
pub(super) const FIELDS: &[&str] = &[PARENT, STATE];
pub(super) const PREFIXES: &[&str] = &[];

const PARENT: &str = "traceparent";
const STATE: &str = "tracestate";
static TRACEPARENT: HeaderName = HeaderName::from_static(PARENT);
static TRACESTATE: HeaderName = HeaderName::from_static(STATE);

/// `00-` trace id `-` parent id `-` flags.
const LENGTH: usize = 55;

/// Bounds the work a hostile caller can ask for; the specification asks for at least 512.
const MAX_TRACESTATE: usize = 8192;

/// More make a tracestate invalid.
const MAX_MEMBERS: usize = 32;

/// A tracestate with keys that level 2 of the specification allows and [`TraceState`] does not: it knows the rules of
/// level 1 for an `@`. The span's state has the other members, for samplers to read and write.
#[derive(Debug)]
struct WholeState {
    trace_id: TraceId,
    members: String,
}

impl WholeState {
    fn part(trace_id: TraceId, members: String) -> (TraceState, Option<Self>) {
        let kept = members
            .split(',')
            .filter(|member| TraceState::from_str(member).is_ok());
        let kept = kept.collect::<Vec<_>>().join(",");
        let state = TraceState::from_str(&kept).unwrap_or_default();
        (state, Some(Self { trace_id, members }))
    }

    /// Members that were added or changed since come first, then the others that were not removed since.
    fn merged_with(&self, state: &TraceState) -> String {
        let came = |member: &str| self.members.split(',').any(|known| known == member);
        let now = state.header();
        let now: Vec<&str> = now.split(',').filter(|member| !member.is_empty()).collect();
        let stays = |member: &&str| now.contains(member) || TraceState::from_str(member).is_err();
        let changed = now.iter().copied().filter(|member| !came(member));
        let members = changed.chain(self.members.split(',').filter(stays));
        members.take(MAX_MEMBERS).collect::<Vec<_>>().join(",")
    }
}

pub(super) fn receive(
    received: Received,
    headers: &HeaderMap,
    present: PresentHeaders,
) -> Received {
    match extract(headers, present) {
        None => received,
        Some((caller, None)) => received.with_caller(caller),
        Some((caller, Some(whole))) => received
            .with_caller(caller)
            .extended(|cx| Some(cx.with_value(whole))),
    }
}

/// The caller's span, and its tracestate if that is more than the span's state can be.
fn extract(
    headers: &HeaderMap,
    present: PresentHeaders,
) -> Option<(SpanContext, Option<WholeState>)> {
    if !present.perhaps_named(PARENT) {
        return None;
    }
    let header = headers.get(&TRACEPARENT)?;
    // Two traceparents contradict each other: the trace restarts, as the specification's test suite expects.
    if is_repeated(headers, &TRACEPARENT) {
        return None;
    }
    let (trace_id, span_id, flags) = parse(header.as_bytes())?;
    if !present.perhaps_named(STATE) {
        let span = SpanContext::new(trace_id, span_id, flags, true, TraceState::NONE);
        return Some((span, None));
    }
    let members = trace_state(headers);
    let (state, whole) = match TraceState::from_str(&members) {
        Ok(state) => (state, None),
        Err(_) => WholeState::part(trace_id, members),
    };
    let span = SpanContext::new(trace_id, span_id, flags, true, state);
    Some((span, whole))
}

pub(super) fn inject(cx: &Context, headers: &mut HeaderMap, present: PresentHeaders) {
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
    let whole = cx
        .get::<WholeState>()
        .filter(|whole| whole.trace_id == span_context.trace_id());
    if let Some(whole) = whole
        && let Ok(value) = HeaderValue::try_from(whole.merged_with(state))
    {
        let _ = headers.try_insert(&TRACESTATE, value);
        return;
    }
    // An empty tracestate would be sent to every service for nothing; a stale one would belong to another span.
    if *state == TraceState::NONE {
        return forget_state(headers, present);
    }
    match HeaderValue::try_from(state.header()) {
        Ok(value) if !value.is_empty() => {
            let _ = headers.try_insert(&TRACESTATE, value);
        }
        _ => forget_state(headers, present),
    }
}

#[inline]
fn forget_state(headers: &mut HeaderMap, present: PresentHeaders) {
    if present.perhaps_named(STATE) {
        headers.remove(&TRACESTATE);
    }
}

fn parse(header: &[u8]) -> Option<(TraceId, SpanId, TraceFlags)> {
    let header = header.trim_ascii();
    let text: &[u8; LENGTH] = header.first_chunk()?;
    // All at once and padded, as when they are written.
    let mut digits = [b'0'; 64];
    digits[..32].copy_from_slice(&text[3..35]);
    digits[32..48].copy_from_slice(&text[36..52]);
    digits[48..50].copy_from_slice(&text[53..]);
    digits[50..52].copy_from_slice(&text[..2]);
    let read = hex::decode(&digits)?;
    let (flags, version) = (read[24], read[25]);
    // 255 is forbidden; version 0 is exactly this long; a future version may only append `-...`.
    let well_formed = match header.len() {
        LENGTH => version != 0xff,
        longer if longer > LENGTH => {
            version != 0xff && version != 0 && header.get(LENGTH) == Some(&b'-')
        }
        _ => false,
    };
    let dashes = [2, 35, 52].iter().all(|at| text[*at] == b'-');
    if !(well_formed && dashes) {
        return None;
    }
    let trace_id = TraceId::from_bytes(*read.first_chunk()?);
    let span_id = SpanId::from_bytes(*read[16..].first_chunk()?);
    let known = TraceFlags::new(flags & 0b11);
    (trace_id != TraceId::INVALID && span_id != SpanId::INVALID)
        .then_some((trace_id, span_id, known))
}

fn format(span_context: &SpanContext) -> [u8; LENGTH] {
    // All at once and padded: of whole vectors the compiler makes vector instructions, of 8 bytes or 1 a mess.
    let mut ids = [0; 32];
    ids[..16].copy_from_slice(&span_context.trace_id().to_bytes());
    ids[16..24].copy_from_slice(&span_context.span_id().to_bytes());
    ids[24] = span_context.trace_flags().to_u8();
    let mut digits = [0; 64];
    hex::encode(&ids, &mut digits);
    let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
    text[3..35].copy_from_slice(&digits[..32]);
    text[36..52].copy_from_slice(&digits[32..48]);
    text[53..].copy_from_slice(&digits[48..50]);
    text
}

/// The members of all tracestate headers in their order, the first of those with the same key; empty if any of them is
/// not valid.
fn trace_state(headers: &HeaderMap) -> String {
    let mut joined = String::new();
    let mut length = 0;
    let mut members = 0;
    for value in headers.get_all(&TRACESTATE) {
        let Ok(text) = value.to_str() else {
            return String::new();
        };
        length += text.len();
        if length > MAX_TRACESTATE {
            return String::new();
        }
        for member in text
            .split(',')
            .map(str::trim)
            .filter(|member| !member.is_empty())
        {
            members += 1;
            if !is_member(member) || members > MAX_MEMBERS {
                return String::new();
            }
            if joined.is_empty() {
                joined.push_str(member);
            } else if !joined.split(',').any(|known| key(known) == key(member)) {
                joined.push(',');
                joined.push_str(member);
            }
        }
    }
    joined
}

fn key(member: &str) -> &str {
    member.split('=').next().unwrap_or_default()
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
