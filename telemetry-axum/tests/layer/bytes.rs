use std::convert::Infallible;

use axum::{
    Router,
    body::Bytes,
    routing::{get as on_get, post},
};
use futures_util::{StreamExt as _, stream};

use super::*;

const SHOWN: [&str; 2] = ["http.request.body.size", "http.response.body.size"];

fn sized(routes: Router, telemetry: &TestTelemetry) -> Router {
    let layer = TelemetryLayer::new().with_body_sizes();
    routes.layer(layer.with_providers(telemetry.providers().clone()))
}

fn chunks(chunks: &'static [&'static str]) -> Body {
    Body::from_stream(stream::iter(chunks).map(|chunk| Ok::<_, Infallible>(Bytes::from(*chunk))))
}

#[tokio::test]
async fn the_bytes_of_both_bodies_are_those_that_passed() {
    let telemetry = TestTelemetry::new();
    let routes = Router::new()
        .route(
            "/",
            post(|body: String| async move { body.to_uppercase() + "!" }),
        )
        .route("/unread", post(|| async { chunks(&["abc", "de"]) }));
    let app = sized(routes, &telemetry);
    let request = |path, body| Request::post(path).body(body).unwrap();
    send(&app, request("/", chunks(&["four", "more"]))).await;
    send(&app, request("/", Body::from("exact"))).await;
    send(&app, request("/unread", chunks(&["nobody reads this"]))).await;
    send(&app, request("/unread", Body::empty())).await;
    assert_eq!(
        telemetry.tree(&SHOWN),
        "SERVER POST / http.request.body.size=8 http.response.body.size=9
SERVER POST / http.request.body.size=5 http.response.body.size=6
SERVER POST /unread http.request.body.size=0 http.response.body.size=5
SERVER POST /unread http.request.body.size=0 http.response.body.size=5
"
    );
    let series = r#"{http_request_method="POST",http_response_status_code="200",http_route="/",network_protocol_version="1.1",url_scheme="http"}"#;
    for (name, sum) in [("request", 13.0), ("response", 15.0)] {
        let metric = format!("http_server_{name}_body_size_bytes_sum{series}");
        assert_eq!(
            telemetry.metric(&metric),
            Some(sum),
            "{}",
            telemetry.metrics()
        );
    }
}

#[tokio::test]
async fn a_stream_that_is_left_counts_what_was_sent() {
    let telemetry = TestTelemetry::new();
    let events = || async {
        let events = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from("data: x\n\n")));
        (
            [("content-type", "text/event-stream")],
            Body::from_stream(events),
        )
    };
    let app = sized(Router::new().route("/", on_get(events)), &telemetry);
    let mut body = app.oneshot(get("/")).await.unwrap().into_body();
    for _ in 0..3 {
        body.frame().await;
    }
    assert_eq!(active(&telemetry), Some(1.0));
    drop(body);
    assert_eq!(
        telemetry.tree(&["http.response.body.size", "telemetry.outcome"]),
        "SERVER GET / http.response.body.size=27 telemetry.outcome=\"client_disconnected\"\n"
    );
}

#[tokio::test]
async fn sizes_are_recorded_only_when_asked_for() {
    let telemetry = TestTelemetry::new();
    let app = layered(
        Router::new().route("/", on_get(|| async { "a" })),
        &telemetry,
    );
    send(&app, get("/")).await;
    assert_eq!(telemetry.tree(&SHOWN), "SERVER GET /\n");
    assert!(!telemetry.metrics().contains("body_size"));
}
