//! The parts that several fuzz targets share: headers out of bytes, and a service that only relays its input.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use telemetry_core::propagation::{Format, Propagation};

/// Headers from lines of `name: value`. A line that is none of these names' or no header is left out.
pub fn headers(data: &[u8], names: &[&'static str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in data.split(|b| *b == b'\n') {
        let Some(at) = line.iter().position(|b| *b == b':') else {
            continue;
        };
        let (name, value) = (&line[..at], &line[at + 1..]);
        let known = names.iter().find(|known| known.as_bytes() == name);
        if let (Some(known), Ok(value)) = (known, HeaderValue::from_bytes(value)) {
            headers.append(HeaderName::from_static(known), value);
        }
    }
    headers
}

/// The context that a service of this format reads from a request, and the headers that it sends on.
pub fn relay(format: &Format, incoming: &HeaderMap) -> (Context, HeaderMap) {
    let propagation = Propagation::new([format.clone()]);
    let cx = propagation.extract(&Context::new(), incoming);
    let mut sent = HeaderMap::new();
    propagation.inject(&cx, &mut sent);
    (cx, sent)
}

/// The one value of a header that may be there once.
pub fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    assert!(values.next().is_none(), "{name} is sent twice");
    Some(value.to_str().expect("what is sent is text"))
}

/// Lower-case hex digits, this many, not all zero.
pub fn is_id(text: &str, length: usize) -> bool {
    let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    text.len() == length && text.bytes().all(digit) && text.bytes().any(|b| b != b'0')
}

/// RFC 9110's `token`.
pub fn is_token(text: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(token)
}
