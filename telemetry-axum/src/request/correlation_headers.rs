//! The correlation id in the headers of request and response.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use telemetry_api::{
    CorrelationId,
    instrument::propagation::{PresentHeaders, is_repeated},
};

/// The id that the caller has sent in the first of these headers that is present. `None` if that header is repeated or
/// its value is not a valid id; an invalid value is never echoed.
pub(crate) fn read(
    headers: &HeaderMap,
    present: PresentHeaders,
    names: &[HeaderName],
) -> Option<CorrelationId> {
    let mut candidates = names.iter().filter(|name| present.perhaps(name));
    let (name, id) = candidates.find_map(|name| Some((name, headers.get(name)?)))?;
    if is_repeated(headers, name) {
        return None;
    }
    CorrelationId::parse(id.to_str().ok()?)
}

/// Sets the id of this context in the response, in the first of these headers.
pub(crate) fn echo(cx: &Context, names: &[HeaderName], headers: &mut HeaderMap) {
    if let (Some(name), Some(id)) = (names.first(), CorrelationId::of(cx))
        && let Ok(value) = HeaderValue::from_bytes(id.as_bytes())
    {
        headers.insert(name.clone(), value);
    }
}
