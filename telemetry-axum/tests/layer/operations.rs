use axum::{Router, routing::get as on_get};
use telemetry_axum::Operations;

use super::*;

fn app(telemetry: &TestTelemetry, ready: Result<(), &'static str>) -> Router {
    let operations = Operations::new()
        .with_providers(telemetry.providers().clone())
        .ready_when("database", move || async move { ready });
    let routes = Router::new().route("/", on_get(|| async { "hello" }));
    layered(routes.merge(operations), telemetry)
}

async fn text(app: &Router, request: Request<Body>) -> (u16, String, String) {
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, kind, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn metrics_come_in_the_format_the_scraper_asks_for() {
    let telemetry = TestTelemetry::new();
    let app = app(&telemetry, Ok(()));
    send(&app, get("/")).await;
    let (status, kind, body) = text(&app, get("/metrics")).await;
    assert_eq!(
        (status, kind.as_str()),
        (200, "text/plain; version=0.0.4; charset=utf-8")
    );
    assert!(
        body.contains("# TYPE http_server_request_duration_seconds histogram"),
        "{body}"
    );
    assert!(!body.contains("trace_id"), "{body}");

    let mut request = get("/metrics");
    request.headers_mut().insert(
        "accept",
        "application/openmetrics-text; version=1.0.0"
            .parse()
            .unwrap(),
    );
    let (_, kind, body) = text(&app, request).await;
    assert_eq!(
        kind,
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let trace_id = telemetry.spans()[0].span_context.trace_id();
    assert!(
        body.contains(&format!("# {{trace_id=\"{trace_id}\",span_id=\"")),
        "{body}"
    );
    assert!(body.ends_with("# EOF\n"), "{body}");
}

#[tokio::test]
async fn operations_are_neither_traced_nor_measured_and_unknown_routes_are() {
    let telemetry = TestTelemetry::new();
    let app = app(&telemetry, Ok(()));
    for path in ["/metrics", "/livez", "/readyz"] {
        assert_eq!(text(&app, get(path)).await.0, 200);
    }
    assert_eq!(telemetry.tree(&[]), "");
    assert_eq!(telemetry.metrics(), "");
    let unknown = send(&app, get("/nope")).await;
    assert!(unknown.headers().contains_key("x-correlation-id"));
    assert_eq!(telemetry.tree(&[]), "SERVER GET\n");
}

#[tokio::test]
async fn a_failing_check_makes_the_service_unready_and_says_why() {
    let telemetry = TestTelemetry::new();
    let app = app(&telemetry, Err("connection refused"));
    let (status, _, body) = text(&app, get("/readyz")).await;
    assert_eq!(
        (status, body.as_str()),
        (503, "database: connection refused\n")
    );
    assert_eq!(text(&app, get("/livez")).await.0, 200);
}

#[tokio::test]
async fn how_export_goes_is_shown_to_a_probe_and_decides_only_where_asked_to() {
    use std::time::Duration;

    // The listener is dropped, so nothing listens on this port.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap();
    let telemetry = telemetry_pipeline::Config::new("shop")
        .with_environment([
            (
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                format!("http://{nobody}").as_str(),
            ),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "50"),
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
        ])
        .with_log_sink(|_| {})
        .build()
        .unwrap();
    let health = telemetry_axum::Health::new();
    let export = telemetry.health();
    health.inform("telemetry", {
        let export = export.clone();
        move || export.to_string()
    });
    let app = Router::new().merge(Operations::new().with_health(health.clone()));
    let (status, _, body) = text(&app, get("/readyz")).await;
    assert_eq!((status, body.lines().next()), (200, Some("ready")));
    assert!(
        body.contains("\ntelemetry: metrics: nothing delivered yet, 0 exported"),
        "{body}"
    );

    assert!(telemetry.force_flush().is_err());
    let (status, _, body) = text(&app, get("/readyz")).await;
    assert_eq!(status, 200, "a service is ready without its collector");
    assert!(
        body.contains("1 failures since") && body.contains("refused"),
        "{body}"
    );

    let register = |patience| {
        let export = export.clone();
        health.register("telemetry", move || {
            let delivering = export.delivering(patience);
            async move { delivering }
        });
    };
    register(Duration::from_secs(600));
    assert_eq!(
        text(&app, get("/readyz")).await.0,
        200,
        "not for a collector that restarts"
    );
    register(Duration::ZERO);
    let (status, _, body) = text(&app, get("/readyz")).await;
    assert_eq!(status, 503);
    assert!(
        body.starts_with("telemetry: metrics: nothing delivered yet"),
        "{body}"
    );
}

#[tokio::test]
async fn a_scrape_holds_up_no_request() {
    let telemetry = TestTelemetry::new();
    let app = app(&telemetry, Ok(()));
    let (release, released) = std::sync::mpsc::channel();
    let released = std::sync::Mutex::new(released);
    let (entered, rendering) = tokio::sync::oneshot::channel();
    let entered = std::sync::Mutex::new(Some(entered));
    // A source of metrics that blocks the rendering until it is released.
    assert!(
        telemetry
            .providers()
            .merge_metrics(std::sync::Arc::new(move || {
                if let Some(entered) = entered.lock().unwrap().take() {
                    entered.send(()).unwrap();
                }
                let patience = std::time::Duration::from_secs(10);
                let in_time = released.lock().unwrap().recv_timeout(patience);
                format!(
                    "# TYPE released gauge\nreleased {}\n",
                    u8::from(in_time.is_ok())
                )
            }))
    );
    let scrape = tokio::spawn({
        let app = app.clone();
        async move { text(&app, get("/metrics")).await }
    });
    rendering.await.unwrap();
    // The runtime of this test has one thread, so a scrape on it would block this request.
    assert_eq!(send(&app, get("/")).await.status(), 200);
    release.send(()).unwrap();
    let (status, _, body) = scrape.await.unwrap();
    assert!(status == 200 && body.contains("released 1"), "{body}");
}
