//! retail-web: `POST /checkout/execute` verifies the stock, charges the card and creates the order, each with a call
//! to retail-api.

mod api;
mod args;
mod checkout;
mod customer;
mod error;
mod messages;
mod metrics;

use axum::{Router, middleware::from_fn, routing::post};
use telemetry_axum::{Operations, TelemetryLayer, identify};

use crate::customer::Customer;

pub use api::RetailApi;
pub use args::{Args, StartError, listen};
pub use error::CheckoutError;
pub use messages::{CheckoutRequest, Receipt};

/// The service's routes: the layer for what customers do, the operations for what operators ask.
///
/// Strangers call this service. So a caller's trace becomes a link, and neither its sampling decision nor its baggage is
/// believed.
pub fn router(api: RetailApi) -> Router {
    router_with(api, TelemetryLayer::new(), Operations::new())
}

/// [`router`] with a layer and operations of the caller's, for several services in one process.
pub fn router_with(api: RetailApi, layer: TelemetryLayer, operations: Operations) -> Router {
    let upstream = api.clone();
    Router::new()
        .route("/checkout/execute", post(checkout::execute))
        .route_layer(from_fn(identify::<Customer>))
        .with_state(api)
        .merge(operations.ready_when("retail-api", move || upstream.clone().reachable()))
        .layer(layer.with_public_endpoint())
}
