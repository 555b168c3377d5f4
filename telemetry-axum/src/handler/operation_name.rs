//! The name of an operation that the outer router has no route for.

use axum::extract::MatchedPath;

/// Names the operation of a request that has no route. Put it into the extensions of the response, or into those of
/// the request before it reaches the layer.
///
/// It becomes the attribute and label `http.route` and a part of the span's name. A fallback that serves files, or a
/// service mounted with `nest_service`, has no route of its own. Without an operation, its requests share the series
/// of the requests that match nothing. The name is a constant, so that no path can become a label.
///
/// ```
/// use axum::{Extension, Router, response::IntoResponse};
/// use telemetry_axum::{Operation, TelemetryLayer};
///
/// async fn files() -> impl IntoResponse {
///     (Extension(Operation::new("/files/{*path}")), "a file")
/// }
///
/// let app: Router = Router::new().fallback(files).layer(TelemetryLayer::new());
/// ```
#[derive(Clone, Debug)]
pub struct Operation(Name);

#[derive(Clone, Debug)]
enum Name {
    Given(&'static str),
    Matched(MatchedPath),
}

impl Operation {
    /// An operation with this route template, such as `/files/{*path}`.
    pub const fn new(route: &'static str) -> Self {
        Self(Name::Given(route))
    }

    /// The operation of a route that a router has matched.
    pub(crate) fn matched(path: MatchedPath) -> Self {
        Self(Name::Matched(path))
    }

    pub(crate) fn route(&self) -> &str {
        match &self.0 {
            Name::Given(route) => route,
            Name::Matched(path) => path.as_str(),
        }
    }
}
