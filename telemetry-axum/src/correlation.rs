//! The correlation id in the request's and the response's headers.

use http::{HeaderMap, HeaderName, HeaderValue};
use telemetry_core::CorrelationId;

const HEADERS: [HeaderName; 2] = [
    HeaderName::from_static("x-correlation-id"),
    HeaderName::from_static("x-request-id"),
];

/// The caller's id, if it sent exactly one and it is valid. One that is not is replaced and never echoed.
pub(crate) fn from_caller(headers: &HeaderMap) -> Option<CorrelationId> {
    let name = HEADERS
        .into_iter()
        .find(|name| headers.contains_key(name))?;
    let mut values = headers.get_all(name).iter();
    let id = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    CorrelationId::parse(id)
}

/// Tells the caller the id to quote.
pub(crate) fn echo(id: &CorrelationId, headers: &mut HeaderMap) {
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        let [name, _] = HEADERS;
        headers.insert(name, value);
    }
}
