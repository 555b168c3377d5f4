//! retail-api: stock, payments and orders, each request a few statements on SQLite.

mod args;
pub mod database;
mod error;
mod inventory;
mod metrics;
mod orders;
mod outbox;
mod payment;

use axum::{
    Router,
    routing::{get, post},
};
use telemetry_axum::{Operations, TelemetryLayer};
use telemetry_sqlx::SqlitePool;

pub use args::{Args, StartError, listen};
pub use error::ApiError;
pub use outbox::Worker;

/// The service's routes: the layer for what retail-web does, the operations for what operators ask.
///
/// Only retail-web can reach this service. So its requests continue the caller's trace, and the customer that retail-web
/// names is believed.
pub fn router(pool: SqlitePool) -> Router {
    router_with(pool, TelemetryLayer::new(), Operations::new())
}

/// [`router`] with a layer and operations of the caller's, for several services in one process.
pub fn router_with(pool: SqlitePool, layer: TelemetryLayer, operations: Operations) -> Router {
    let database = pool.clone();
    Router::new()
        .route("/inventory/check", get(inventory::check))
        .route("/payment/charge", post(payment::charge))
        .route("/orders", post(orders::create))
        .with_state(pool)
        .merge(operations.ready_when("database", move || database::reachable(database.clone())))
        .layer(layer.with_callers_principal())
}
