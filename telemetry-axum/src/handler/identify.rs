//! On whose behalf a request is made, from an extractor of the application's.

use axum::{
    extract::{FromRequestParts, Request},
    http::request::Parts,
    middleware::Next,
    response::Response,
};
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
/// What the extractor rejects is answered with its rejection, and is nobody's request, whoever the caller named. It stands inside of the
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
/// Cost: what [`Principal`] costs, and one allocation.
pub async fn identify<E: Identified>(
    Verified(caller): Verified<E>,
    request: Request,
    next: Next,
) -> Response {
    match caller.principal() {
        Some(principal) => principal.scope(next.run(request)).await,
        None => next.run(request).await,
    }
}

/// What the extractor `E` accepted, for [`identify`].
#[derive(Clone, Copy, Debug)]
pub struct Verified<E>(E);

impl<E, S> FromRequestParts<S> for Verified<E>
where
    E: FromRequestParts<S>,
    S: Send + Sync,
{
    type Rejection = E::Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let verified = E::from_request_parts(parts, state).await.map(Self);
        if verified.is_err() {
            // Somebody who only says that he is an administrator.
            Principal::default().name_request();
        }
        verified
    }
}
