//! The correlation id in the request's and the response's headers, and for handlers.

use std::convert::Infallible;

use axum::{extract::FromRequestParts, http::request::Parts};
use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use telemetry_core::{
    CorrelationId,
    propagation::{PresentHeaders, is_repeated},
};

/// Where a correlation id is looked for, in this order; the first is the one it is echoed in.
pub(crate) const HEADERS: [HeaderName; 2] = [
    HeaderName::from_static("x-correlation-id"),
    HeaderName::from_static("x-request-id"),
];

/// The caller's id, if it sent exactly one and it is valid. One that is not is replaced and never echoed.
pub(crate) fn from_caller(
    headers: &HeaderMap,
    present: PresentHeaders,
    names: &[HeaderName],
) -> Option<CorrelationId> {
    let mut perhaps = names.iter().filter(|name| present.perhaps(name));
    let (name, id) = perhaps.find_map(|name| Some((name, headers.get(name)?)))?;
    if is_repeated(headers, name) {
        return None;
    }
    CorrelationId::parse(id.to_str().ok()?)
}

/// Tells the caller the id to quote.
pub(crate) fn echo(cx: &Context, names: &[HeaderName], headers: &mut HeaderMap) {
    if let (Some(name), Some(id)) = (names.first(), CorrelationId::of(cx))
        && let Ok(value) = HeaderValue::from_bytes(id.as_bytes())
    {
        headers.insert(name.clone(), value);
    }
}

/// Extracts the request's correlation id, for a handler that shows it to its caller or stores it.
///
/// It cannot fail: without the layer, and outside of any trace, it is a random one.
///
/// ```
/// use telemetry_axum::Correlation;
///
/// async fn apologise(Correlation(id): Correlation) -> String {
///     format!("quote {id} when you call us")
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(apologise));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correlation(
    /// The id.
    pub CorrelationId,
);

impl<S: Sync> FromRequestParts<S> for Correlation {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(
            CorrelationId::current().unwrap_or_else(CorrelationId::random),
        ))
    }
}
