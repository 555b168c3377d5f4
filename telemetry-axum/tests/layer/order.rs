//! The order of the layer among other layers. The layer that is added to a router last is the outermost.

use std::time::Duration;

use axum::{Router, routing::get as on_get};
use http::StatusCode;
use tower_http::{
    catch_panic::CatchPanicLayer, compression::CompressionLayer, cors::CorsLayer,
    timeout::TimeoutLayer,
};

use super::*;

const SHOWN: [&str; 3] = [
    "http.response.status_code",
    "error.type",
    "telemetry.outcome",
];

fn routes() -> Router {
    async fn panics() -> &'static str {
        panic!("oh")
    }
    Router::new()
        .route("/panics", on_get(panics))
        .route("/slow", on_get(std::future::pending::<&'static str>))
        .route("/long", on_get(|| async { "a".repeat(10_000) }))
}

#[tokio::test]
async fn a_panic_caught_inside_is_a_500_that_carries_the_correlation_id() {
    let telemetry = TestTelemetry::new();
    let app = layered(routes().layer(CatchPanicLayer::new()), &telemetry);
    let response = send(&app, get("/panics")).await;
    assert_eq!(response.status(), 500);
    assert!(response.headers().contains_key("x-correlation-id"));
    assert_eq!(
        telemetry.tree(&SHOWN),
        "SERVER GET /panics http.response.status_code=500 error.type=\"500\" ERROR\n"
    );
}

#[tokio::test]
async fn a_panic_caught_outside_is_seen_as_the_panic_it_is() {
    let telemetry = TestTelemetry::new();
    let app = layered(routes(), &telemetry).layer(CatchPanicLayer::new());
    assert_eq!(send(&app, get("/panics")).await.status(), 500);
    assert_eq!(
        telemetry.tree(&SHOWN),
        "SERVER GET /panics error.type=\"panic\" telemetry.outcome=\"panicked\" ERROR\n"
    );
    assert_eq!(active(&telemetry), Some(0.0));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_inside_is_its_status_and_one_outside_a_disconnect() {
    let limit =
        || TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(1));
    let telemetry = TestTelemetry::new();
    let inside = layered(routes().layer(limit()), &telemetry);
    let response = send(&inside, get("/slow")).await;
    assert_eq!(response.status(), 504);
    assert!(response.headers().contains_key("x-correlation-id"));
    let outside = layered(routes(), &telemetry).layer(limit());
    assert_eq!(send(&outside, get("/slow")).await.status(), 504);
    assert_eq!(
        telemetry.tree(&SHOWN),
        "SERVER GET /slow http.response.status_code=504 error.type=\"504\" ERROR
SERVER GET /slow telemetry.outcome=\"client_disconnected\"\n"
    );
}

#[tokio::test]
async fn compression_outside_leaves_the_body_whole_and_its_bytes_as_the_handler_wrote_them() {
    let telemetry = TestTelemetry::new();
    let layer = TelemetryLayer::new()
        .with_providers(telemetry.providers().clone())
        .with_body_sizes();
    let inside = routes().layer(layer.clone()).layer(CompressionLayer::new());
    let outside = routes().layer(CompressionLayer::new()).layer(layer);
    for app in [inside, outside] {
        let mut request = get("/long");
        request
            .headers_mut()
            .insert("accept-encoding", "gzip".parse().unwrap());
        let response = send(&app, request).await;
        assert_eq!(response.headers()["content-encoding"], "gzip");
    }
    let sizes: Vec<_> = telemetry
        .spans()
        .iter()
        .flat_map(|span| span.attributes.clone())
        .filter(|attribute| attribute.key.as_str() == "http.response.body.size")
        .map(|attribute| attribute.value.to_string().parse::<u64>().unwrap())
        .collect();
    assert_eq!(sizes[0], 10_000);
    assert!((1..1_000).contains(&sizes[1]), "{sizes:?}");
    assert!(!telemetry.tree(&SHOWN).contains("disconnected"));
}

#[tokio::test]
async fn cors_outside_answers_preflights_before_they_become_requests() {
    let telemetry = TestTelemetry::new();
    let app = layered(routes(), &telemetry).layer(CorsLayer::permissive());
    let preflight = Request::options("/long")
        .header("origin", "http://shop.example")
        .header("access-control-request-method", "GET");
    let response = send(&app, preflight.body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), 200);
    assert_eq!(telemetry.tree(&[]), "");
}
