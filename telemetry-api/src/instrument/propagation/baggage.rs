//! W3C Baggage, <https://www.w3.org/TR/baggage/>, with its limits of 8192 bytes and 64 members.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context, Key,
    baggage::{Baggage, BaggageExt, BaggageMetadata},
};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::{PresentHeaders, Received, ids};

pub(super) const NAME: &str = "baggage";
pub(super) const FIELDS: &[&str] = &[HEADER];
pub(super) const PREFIXES: &[&str] = &[];

const HEADER: &str = "baggage";
static BAGGAGE: HeaderName = HeaderName::from_static(HEADER);
const MAX_BYTES: usize = 8192;
const MAX_MEMBERS: usize = 64;

/// The bytes that the baggage grammar does not allow in a value, and `%` itself.
const RESERVED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b',')
    .add(b';')
    .add(b'\\')
    .add(b'%');

pub(super) fn receive(
    received: Received,
    headers: &HeaderMap,
    present: PresentHeaders,
) -> Received {
    if !present.perhaps_named(HEADER) {
        return received;
    }
    received.extended(|cx| extract(cx, headers))
}

fn extract(parent: &Context, headers: &HeaderMap) -> Option<Context> {
    if !headers.contains_key(&BAGGAGE) {
        return None;
    }
    let mut baggage = Baggage::new();
    let mut bytes = 0;
    let members = headers
        .get_all(&BAGGAGE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let members = members.flat_map(|value| value.split(','));
    // Empty elements of a list are none (RFC 9110), so they use up no member of the limit.
    let members = members.filter(|member| !member.trim_ascii().is_empty());
    for member in members.take(MAX_MEMBERS) {
        // The limit is one of the whole list, whose members are joined by commas.
        bytes += member.len() + usize::from(bytes > 0);
        if bytes > MAX_BYTES {
            break;
        }
        if let Some((key, value, metadata)) = parse(member) {
            baggage.insert_with_metadata(Key::from(key.to_owned()), value, metadata);
        }
    }
    (!baggage.is_empty()).then(|| parent.with_baggage(baggage))
}

pub(super) fn inject(cx: &Context, headers: &mut HeaderMap, present: PresentHeaders) {
    let written = written(cx.baggage());
    // Without baggage of ours, a header that is there belongs to another request, and the receiver may be a stranger.
    let Some(value) = written.and_then(|header| HeaderValue::try_from(header).ok()) else {
        if present.perhaps_named(HEADER) {
            headers.remove(&BAGGAGE);
        }
        return;
    };
    let _ = headers.try_insert(&BAGGAGE, value);
}

/// The members as far as they are within the limits; `None` if there is none.
fn written(baggage: &Baggage) -> Option<String> {
    if baggage.is_empty() {
        return None;
    }
    let mut header = String::new();
    let mut members = 0;
    for (key, (value, metadata)) in baggage {
        let start = header.len();
        if start > 0 {
            header.push(',');
        }
        // Writing to a String cannot fail.
        let _ = write!(
            header,
            "{key}={}",
            utf8_percent_encode(value.as_str(), RESERVED)
        );
        for property in properties(metadata.as_str()) {
            header.push(';');
            header.push_str(property);
        }
        members += 1;
        // One that is too long must not cost the others.
        if header.len() > MAX_BYTES || members > MAX_MEMBERS {
            header.truncate(start);
            members -= 1;
        }
    }
    (!header.is_empty()).then_some(header)
}

fn parse(member: &str) -> Option<(&str, String, BaggageMetadata)> {
    let (pair, metadata) = member.split_once(';').unwrap_or((member, ""));
    let (key, value) = pair.split_once('=')?;
    let (key, value) = (key.trim(), value.trim());
    if key.is_empty() || !key.bytes().all(is_token) {
        return None;
    }
    // A broken escape would leave this service as another value than it came.
    if ids::has_broken_percent(value) {
        return None;
    }
    // Bytes that are no UTF-8 are replaced, as the specification demands.
    let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
    let properties: Vec<_> = properties(metadata).collect();
    Some((key, value, BaggageMetadata::from(properties.join(";"))))
}

/// `key` or `key=value`, as far as they are valid.
fn properties(metadata: &str) -> impl Iterator<Item = &str> {
    metadata.split(';').map(str::trim).filter(|property| {
        let (key, value) = property.split_once('=').unwrap_or((property, ""));
        let key = key.trim_end();
        !key.is_empty()
            && key.bytes().all(is_token)
            && value.trim_start().bytes().all(is_baggage_octet)
    })
}

/// The bytes that a value may have without being encoded.
fn is_baggage_octet(b: u8) -> bool {
    b.is_ascii_graphic() && !matches!(b, b'"' | b',' | b';' | b'\\')
}

/// RFC 7230 `tchar`.
fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}
