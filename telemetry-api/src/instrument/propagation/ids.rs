//! Ids as the older formats write them, in either case and without leading zeros, and escapes that are broken.

use opentelemetry::trace::{SpanId, TraceId};

/// 16 or 32 hex digits, not all zero.
pub(super) fn trace_id(text: &str) -> Option<TraceId> {
    matches!(text.len(), 16 | 32)
        .then(|| padded_trace_id(text))
        .flatten()
}

/// 16 hex digits, not all zero.
pub(super) fn span_id(text: &str) -> Option<SpanId> {
    (text.len() == 16).then(|| padded_span_id(text)).flatten()
}

/// 1 to 32 hex digits, not all zero.
pub(super) fn padded_trace_id(text: &str) -> Option<TraceId> {
    let id = digits(text, 32).and_then(|text| u128::from_str_radix(text, 16).ok())?;
    (id != 0).then(|| TraceId::from(id))
}

/// 1 to 16 hex digits, not all zero.
pub(super) fn padded_span_id(text: &str) -> Option<SpanId> {
    let id = digits(text, 16).and_then(|text| u64::from_str_radix(text, 16).ok())?;
    (id != 0).then(|| SpanId::from(id))
}

/// At least one and at most so many hex digits. The standard library would also accept a sign.
pub(super) fn digits(text: &str, most: usize) -> Option<&str> {
    let valid = (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    valid.then_some(text)
}

/// True for a text with a `%` that two hex digits do not follow.
pub(super) fn has_broken_percent(text: &str) -> bool {
    text.split('%').skip(1).any(|escape| {
        let digits = escape.as_bytes().get(..2);
        !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}
