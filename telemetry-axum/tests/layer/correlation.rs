use axum::{Router, routing::get as on_get};
use telemetry_api::CorrelationId;

use super::*;

fn shop() -> Router {
    Router::new().route(
        "/",
        on_get(|| async {
            CorrelationId::current()
                .map(|id| id.to_string())
                .unwrap_or_default()
        }),
    )
}

async fn answer(app: &Router, headers: &[(&'static str, &str)]) -> (String, String) {
    let mut request = get("/");
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    let response = app.clone().oneshot(request).await.unwrap();
    let echoed = response.headers()["x-correlation-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let seen = response.into_body().collect().await.unwrap().to_bytes();
    (echoed, String::from_utf8(seen.to_vec()).unwrap())
}

#[tokio::test]
async fn a_valid_id_of_the_caller_is_kept_and_echoed() {
    let telemetry = TestTelemetry::new();
    let app = layered(shop(), &telemetry);
    let both = ("abc-123".to_owned(), "abc-123".to_owned());
    assert_eq!(
        answer(
            &app,
            &[("x-correlation-id", "abc-123"), ("x-request-id", "other")]
        )
        .await,
        both
    );
    assert_eq!(answer(&app, &[("x-request-id", "abc-123")]).await, both);
    assert_eq!(
        telemetry.tree(&["correlation_id"]),
        "SERVER GET / correlation_id=\"abc-123\"\n".repeat(2)
    );
}

#[tokio::test]
async fn without_a_valid_one_it_is_the_trace_id() {
    let telemetry = TestTelemetry::new();
    let app = layered(shop(), &telemetry);
    let long = "a".repeat(129);
    let hostile: [&[(&str, &str)]; 5] = [
        &[],
        &[("x-correlation-id", "a b")],
        &[("x-correlation-id", "<script>")],
        &[("x-correlation-id", &long)],
        &[("x-correlation-id", "one"), ("x-correlation-id", "two")],
    ];
    for headers in hostile {
        let (echoed, seen) = answer(&app, headers).await;
        let span = telemetry.spans().pop().unwrap();
        assert_eq!(echoed, span.span_context.trace_id().to_string());
        assert_eq!(seen, echoed);
    }
}

#[tokio::test]
async fn it_works_without_a_pipeline() {
    let app = shop().layer(TelemetryLayer::new());
    let (echoed, seen) = answer(&app, &[]).await;
    assert_eq!(echoed, seen);
    assert_eq!(echoed.len(), 32);
    assert_ne!(answer(&app, &[]).await.0, echoed);
    assert_eq!(answer(&app, &[("x-correlation-id", "abc")]).await.1, "abc");
}

#[tokio::test]
async fn unknown_routes_get_one_too() {
    let telemetry = TestTelemetry::new();
    let response = send(&layered(shop(), &telemetry), get("/nope")).await;
    assert_eq!(response.status(), 404);
    assert!(response.headers().contains_key("x-correlation-id"));
}

#[tokio::test]
async fn two_layers_without_a_pipeline_agree_on_one() {
    let app = shop()
        .layer(TelemetryLayer::new())
        .layer(TelemetryLayer::new());
    let (echoed, seen) = answer(&app, &[]).await;
    assert_eq!(echoed, seen);
    let (echoed, seen) = answer(&app, &[("x-correlation-id", "abc")]).await;
    assert_eq!((echoed.as_str(), seen.as_str()), ("abc", "abc"));
}
