//! The principal of a request, taken from an extractor of the application.

use axum::{
    extract::{FromRequestParts, Request},
    http::request::Parts,
    middleware::Next,
    response::Response,
};
use telemetry_api::{
    Principal,
    instrument::carrier::{carrier, is_carrier},
};
use tracing::{Instrument as _, Span};

/// Implement this for your extractor to use it with [`identify`].
pub trait Identified {
    /// The user and the roles that the extractor has found.
    ///
    /// `None` keeps the principal that the caller named in its baggage, if
    /// [`with_callers_principal`](crate::TelemetryLayer::with_callers_principal) is set.
    /// `Principal::default()` is nobody: it replaces a principal that the caller named.
    fn principal(&self) -> Option<Principal>;
}

/// A middleware that takes the principal of a request from the extractor `E`. The principal appears on the server
/// span and on every later log line of the request, and is sent on with the calls that the request makes.
///
/// If the extractor rejects a request, its rejection is the response, and the request has no principal, not even one
/// that the caller named. The middleware must run inside of the [`TelemetryLayer`](crate::TelemetryLayer), so add it
/// before the layer.
///
/// ```
/// use axum::{Router, extract::FromRequestParts, http::{StatusCode, request::Parts}, middleware::from_fn, routing::get};
/// use telemetry_axum::{Identified, TelemetryLayer, identify};
/// use telemetry_api::Principal;
///
/// struct Customer {
///     id: String,
/// }
///
/// impl<S: Sync> FromRequestParts<S> for Customer {
///     type Rejection = StatusCode;
///
///     async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
///         // Your service verifies its session or token here.
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
/// Cost: that of a [`Principal`], and one allocation.
pub async fn identify<E: Identified>(
    Verified(caller): Verified<E>,
    request: Request,
    next: Next,
) -> Response {
    match caller.principal() {
        Some(principal) => {
            let is_carried = Span::current().metadata().is_some_and(is_carrier);
            let next = async move {
                // The carrier of the request was made before its principal was known.
                let carrier = if is_carried { carrier() } else { Span::none() };
                next.run(request).instrument(carrier).await
            };
            principal.scope(next).await
        }
        None => next.run(request).await,
    }
}

/// The value that the extractor `E` has accepted, for [`identify`].
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
            // The caller may have named a principal that it could not prove.
            Principal::default().name_request();
        }
        verified
    }
}
