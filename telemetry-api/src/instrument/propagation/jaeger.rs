//! Jaeger's own headers, <https://www.jaegertracing.io/docs/1.x/client-libraries/#propagation-format>: `uber-trace-id`,
//! and `uberctx-*` for baggage.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context, Key, KeyValue,
    baggage::{Baggage, BaggageExt},
    trace::{SpanContext, TraceContextExt, TraceFlags, TraceState},
};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{PresentHeaders, Received, ids};

pub(super) const NAME: &str = "jaeger";
pub(super) const FIELDS: &[&str] = &["uber-trace-id"];
pub(super) const PREFIXES: &[&str] = &[BAGGAGE_PREFIX];

const TRACE: HeaderName = HeaderName::from_static("uber-trace-id");
const BAGGAGE_PREFIX: &str = "uberctx-";

/// The same limits as for W3C Baggage: a stranger may make us carry no more.
const MAX_MEMBERS: usize = 64;
const MAX_BYTES: usize = 8192;

pub(super) fn receive(received: Received, headers: &HeaderMap, _: PresentHeaders) -> Received {
    received.in_context().extended(|cx| extract(cx, headers))
}

fn extract(parent: &Context, headers: &HeaderMap) -> Option<Context> {
    let traced = headers
        .get(TRACE)
        .and_then(parse)
        .map(|span| parent.with_remote_span_context(span));
    let members = baggage(headers);
    if members.is_empty() {
        return traced;
    }
    let base = traced.as_ref().unwrap_or(parent);
    let mut all = Baggage::new();
    for (key, (value, metadata)) in base.baggage() {
        all.insert_with_metadata(key.clone(), value.clone(), metadata.clone());
    }
    for member in members {
        all.insert(member.key, member.value.to_string());
    }
    Some(base.with_baggage(all))
}

pub(super) fn inject(cx: &Context, headers: &mut HeaderMap, _: PresentHeaders) {
    let span = cx.span();
    let span = span.span_context();
    if span.is_valid() {
        let flags = u8::from(span.is_sampled());
        // The parent's place is deprecated and always zero.
        let text = format!("{}:{}:0:{flags}", span.trace_id(), span.span_id());
        if let Ok(value) = HeaderValue::try_from(text) {
            let _ = headers.try_insert(TRACE, value);
        }
    }
    forget_baggage(headers);
    let mut bytes = 0;
    for (key, (value, _)) in cx.baggage().iter().take(MAX_MEMBERS) {
        let name = HeaderName::try_from(format!("{BAGGAGE_PREFIX}{key}"));
        let value = utf8_percent_encode(value.as_str(), NON_ALPHANUMERIC).to_string();
        let length = key.as_str().len() + value.len();
        if bytes + length > MAX_BYTES {
            continue;
        }
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            let _ = headers.try_insert(name, value);
            bytes += length;
        }
    }
}

/// `trace:span:parent:flags`, whose colons may be percent-encoded and whose ids may lack leading zeros.
fn parse(value: &HeaderValue) -> Option<SpanContext> {
    let text = percent_decode_str(value.to_str().ok()?)
        .decode_utf8()
        .ok()?;
    let mut parts = text.trim().split(':');
    let trace_id = ids::padded_trace_id(parts.next()?)?;
    let span_id = ids::padded_span_id(parts.next()?)?;
    let _parent = parts.next()?;
    let flags = parts.next().and_then(|flags| ids::digits(flags, 2))?;
    let flags = u8::from_str_radix(flags, 16).ok()?;
    if parts.next().is_some() {
        return None;
    }
    // The second bit asks for a debug trace, which is a sampled one.
    let flags = if flags & 0b11 == 0 {
        TraceFlags::default()
    } else {
        TraceFlags::SAMPLED
    };
    Some(SpanContext::new(
        trace_id,
        span_id,
        flags,
        true,
        TraceState::default(),
    ))
}

/// Removes the members that are there: they belong to another request.
fn forget_baggage(headers: &mut HeaderMap) {
    let stale = headers
        .keys()
        .filter(|name| name.as_str().starts_with(BAGGAGE_PREFIX));
    for name in stale.cloned().collect::<Vec<_>>() {
        headers.remove(name);
    }
}

fn baggage(headers: &HeaderMap) -> Vec<KeyValue> {
    let mut members = Vec::new();
    let mut bytes = 0;
    for (name, value) in headers {
        let Some(key) = name
            .as_str()
            .strip_prefix(BAGGAGE_PREFIX)
            .filter(|key| !key.is_empty())
        else {
            continue;
        };
        bytes += key.len() + value.len();
        if members.len() == MAX_MEMBERS || bytes > MAX_BYTES {
            break;
        }
        let decoded = value
            .to_str()
            .ok()
            .filter(|value| !ids::has_broken_percent(value))
            .and_then(|value| percent_decode_str(value).decode_utf8().ok());
        members.extend(
            decoded.map(|value| KeyValue::new(Key::from(key.to_owned()), value.into_owned())),
        );
    }
    members
}
