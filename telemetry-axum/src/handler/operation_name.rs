//! The name of an operation that no route of the outer router names.

use axum::extract::MatchedPath;

/// Names what a request asked for when the router cannot: put it into the extensions of the response, or of the
/// request before it reaches the layer.
///
/// It becomes `http.route`, the label and the span's name. A fallback that serves files, or a service mounted with
/// `nest_service`, has no route of its own; without an operation its requests share the series of unmatched ones.
/// It is a constant so that nobody can make it a path.
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
    /// An operation of this route template.
    pub const fn new(route: &'static str) -> Self {
        Self(Name::Given(route))
    }

    /// The route a router has matched.
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
