//! The correlation id as an extractor.

use std::convert::Infallible;

use axum::{extract::FromRequestParts, http::request::Parts};
use telemetry_api::CorrelationId;

/// Extracts the request's correlation id, for a handler that shows it to its caller or stores it.
///
/// It never fails: without the layer, and outside of a trace, the id is random.
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
