//! On whose behalf a request is made, from an extractor of the application's.

use axum::{extract::Request, middleware::Next, response::Response};
use telemetry_core::Principal;

/// What an extractor found out about the caller, for [`identify`].
pub trait Identified {
    /// The user and its roles. `None` leaves it at whom the caller named in its baggage, if callers are believed;
    /// `Principal::default()` is nobody, whoever the caller named.
    fn principal(&self) -> Option<Principal>;
}

/// A middleware that makes what the extractor `E` found the principal of the request: it is on the server span, on
/// every later log line of the request, and goes with the calls it makes.
///
/// What the extractor rejects is answered with its rejection. It stands inside of the
/// [`TelemetryLayer`](crate::TelemetryLayer), so it is added before.
///
/// ```
/// use axum::{Router, extract::FromRequestParts, http::{StatusCode, request::Parts}, middleware::from_fn, routing::get};
/// use telemetry_axum::{Identified, TelemetryLayer, identify};
/// use telemetry_core::Principal;
///
/// struct Customer {
///     id: String,
/// }
///
/// impl<S: Sync> FromRequestParts<S> for Customer {
///     type Rejection = StatusCode;
///
///     async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
///         // Here your session or token is verified.
///         let id = parts.headers.get("x-verified-user").and_then(|id| id.to_str().ok());
///         Ok(Self { id: id.ok_or(StatusCode::UNAUTHORIZED)?.to_owned() })
///     }
/// }
///
/// impl Identified for Customer {
///     fn principal(&self) -> Option<Principal> {
///         Some(Principal::new(&self.id).with_roles(["customer"]))
///     }
/// }
///
/// let app: Router = Router::new()
///     .route("/basket", get(async || "empty"))
///     .route_layer(from_fn(identify::<Customer>))
///     .layer(TelemetryLayer::new());
/// ```
///
/// Cost: what [`Principal`] costs, and one entry in the response's extensions.
pub async fn identify<E: Identified>(caller: E, request: Request, next: Next) -> Response {
    let Some(principal) = caller.principal() else {
        return next.run(request).await;
    };
    let mut response = principal.clone().scope(next.run(request)).await;
    // The layer reads it there: the body is polled outside of this scope, and the access log written.
    response.extensions_mut().insert(principal);
    response
}
