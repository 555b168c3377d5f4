//! The layer on real routers, with telemetry in memory.

// Clippy allows these in test functions, but not in their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod body_context;
mod bytes;
mod cardinality;
mod correlation;
mod grpc;
mod grpc_calls;
mod grpc_methods;
mod identity;
mod lifecycle;
mod logs;
mod operations;
mod options;
mod order;
mod serving;
mod spans;
mod tracing_tasks;
mod uploads;
mod wire;

use axum::{Router, body::Body};
use http::{Request, Response};
use http_body_util::BodyExt;
use telemetry_axum::TelemetryLayer;
use telemetry_pipeline::testing::TestTelemetry;
use tower::ServiceExt;

fn layered(routes: Router, telemetry: &TestTelemetry) -> Router {
    routes.layer(TelemetryLayer::new().with_providers(telemetry.providers().clone()))
}

fn get(path: &str) -> Request<Body> {
    Request::get(path)
        .header("host", "shop.example:8080")
        .body(Body::empty())
        .unwrap()
}

/// Sends the request and reads the response to its end.
async fn send(app: &Router, request: Request<Body>) -> Response<()> {
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let _ = body.collect().await;
    Response::from_parts(parts, ())
}

/// The number of active requests.
fn active(telemetry: &TestTelemetry) -> Option<f64> {
    telemetry.metric(r#"http_server_active_requests{http_request_method="GET",url_scheme="http"}"#)
}
