use axum::{
    Router,
    extract::ConnectInfo,
    http::StatusCode,
    routing::{get as on_get, post},
};
use opentelemetry::{
    Context, InstrumentationScope,
    trace::{FutureExt as _, SpanContext, SpanId, SpanKind, TraceContextExt},
};
use std::net::SocketAddr;

use super::*;

fn shop() -> Router {
    Router::new()
        .route("/orders/{id}", on_get(|| async { "order" }))
        .route(
            "/broken",
            on_get(|| async { StatusCode::SERVICE_UNAVAILABLE }),
        )
        .nest(
            "/admin",
            Router::new().route("/users/{id}", post(|| async { StatusCode::BAD_REQUEST })),
        )
}

#[tokio::test]
async fn a_server_span_has_the_attributes_of_the_convention_with_their_types() {
    let telemetry = TestTelemetry::new();
    let app = layered(shop(), &telemetry);
    let mut request = get("/orders/7?sig=secret&page=2");
    request
        .headers_mut()
        .insert("user-agent", "curl/8".parse().unwrap());
    request
        .extensions_mut()
        .insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4000))));
    send(&app, request).await;

    let span = telemetry.spans().remove(0);
    let mut attributes: Vec<_> = span
        .attributes
        .iter()
        .map(|a| format!("{}={:?}", a.key, a.value))
        .collect();
    attributes.sort();
    let id = span.span_context.trace_id();
    let expected = [
        "client.address=String(Owned(\"127.0.0.1\"))".to_owned(),
        format!("correlation_id=String(Owned(\"{id}\"))"),
        "http.request.method=String(Static(\"GET\"))".to_owned(),
        "http.response.status_code=I64(200)".to_owned(),
        "http.route=String(Static(\"/orders/{id}\"))".to_owned(),
        "network.peer.address=String(Owned(\"127.0.0.1\"))".to_owned(),
        "network.peer.port=I64(4000)".to_owned(),
        "network.protocol.version=String(Static(\"1.1\"))".to_owned(),
        "server.address=String(Static(\"shop.example\"))".to_owned(),
        "server.port=I64(8080)".to_owned(),
        "url.path=String(Owned(\"/orders/7\"))".to_owned(),
        "url.query=String(Owned(\"sig=REDACTED&page=2\"))".to_owned(),
        "url.scheme=String(Static(\"http\"))".to_owned(),
        "user_agent.original=String(Static(\"curl/8\"))".to_owned(),
    ];
    assert_eq!(attributes, expected);
}

#[tokio::test]
async fn long_values_of_callers_are_cut() {
    let telemetry = TestTelemetry::new();
    let app = layered(shop(), &telemetry);
    let mut request = get(&format!(
        "/orders/{}?{}",
        "a".repeat(20_000),
        "b".repeat(20_000)
    ));
    let agent = http::HeaderValue::from_str(&"c".repeat(380_000)).unwrap();
    request.headers_mut().insert("user-agent", agent);
    let method = http::Method::from_bytes("M".repeat(5_000).as_bytes()).unwrap();
    *request.method_mut() = method;
    send(&app, request).await;
    let span = telemetry.spans().remove(0);
    for key in [
        "url.path",
        "url.query",
        "user_agent.original",
        "http.request.method_original",
    ] {
        let value = span.attributes.iter().find(|a| a.key.as_str() == key);
        assert_eq!(value.unwrap().value.as_str().len(), 4096, "{key}");
    }
}

#[tokio::test]
async fn below_an_unsampled_caller_a_service_has_a_span_id_of_its_own_and_the_callers_trace() {
    let telemetry = TestTelemetry::new();
    let seen = || async {
        Context::map_current(|cx| {
            let span = cx.span();
            let span = span.span_context();
            let state = span.trace_state().header();
            format!(
                "{} {} {} {state}",
                span.trace_id(),
                span.span_id() != SpanId::from(0x00f0_67aa_0ba9_02b7),
                span.is_valid() && !span.is_sampled() && !span.is_remote()
            )
        })
    };
    let app = layered(Router::new().route("/seen", on_get(seen)), &telemetry);
    let mut request = get("/seen");
    let headers = request.headers_mut();
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    headers.insert("traceparent", parent.parse().unwrap());
    headers.insert("tracestate", "a=b".parse().unwrap());
    let response = app.clone().oneshot(request).await.unwrap();
    let id = response.headers()["x-correlation-id"].clone();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(id, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(body, "4bf92f3577b34da6a3ce929d0e0e4736 true true a=b");
    assert!(telemetry.spans().is_empty());
}

#[tokio::test]
async fn names_routes_and_status_follow_the_convention() {
    let telemetry = TestTelemetry::new();
    let app = layered(shop(), &telemetry);
    send(&app, get("/orders/7")).await;
    send(&app, get("/no/such/path")).await;
    send(&app, get("/broken")).await;
    send(
        &app,
        Request::post("/admin/users/1").body(Body::empty()).unwrap(),
    )
    .await;
    send(
        &app,
        Request::builder()
            .method("BREW")
            .uri("/orders/7")
            .body(Body::empty())
            .unwrap(),
    )
    .await;
    assert_eq!(
        telemetry.tree(&[
            "http.route",
            "http.request.method_original",
            "http.response.status_code",
            "error.type"
        ]),
        r#"SERVER GET /orders/{id} http.route="/orders/{id}" http.response.status_code=200
SERVER GET http.response.status_code=404
SERVER GET /broken http.route="/broken" http.response.status_code=503 error.type="503" ERROR
SERVER POST /admin/users/{id} http.route="/admin/users/{id}" http.response.status_code=400
SERVER HTTP /orders/{id} http.route="/orders/{id}" http.request.method_original="BREW" http.response.status_code=405
"#
    );
}

#[tokio::test]
async fn the_callers_context_is_the_parent_and_the_handlers_spans_are_children() {
    let telemetry = TestTelemetry::new();
    let providers = telemetry.providers().clone();
    let handler = || async move {
        let tracer = providers.tracer(opentelemetry::InstrumentationScope::builder("t").build());
        let kind = opentelemetry::trace::SpanKind::Internal;
        let parent = opentelemetry::Context::current();
        let inner = tracer.start(&parent, "inside", kind, Vec::new);
        async { tokio::task::yield_now().await }
            .with_context(inner.clone())
            .await;
        inner.span().end();
    };
    let app = layered(Router::new().route("/", on_get(handler)), &telemetry);
    let mut request = get("/");
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    request
        .headers_mut()
        .insert("traceparent", parent.parse().unwrap());
    send(&app, request).await;

    assert_eq!(telemetry.tree(&[]), "SERVER GET /\n  INTERNAL inside\n");
    let spans = telemetry.spans();
    let server = spans.iter().find(|span| span.name == "GET /").unwrap();
    assert_eq!(server.parent_span_id.to_string(), "00f067aa0ba902b7");
    assert!(server.parent_span_is_remote);
    assert_eq!(
        server.span_context.trace_id().to_string(),
        "4bf92f3577b34da6a3ce929d0e0e4736"
    );
}

#[tokio::test]
async fn an_unsampled_caller_is_obeyed_and_still_measured() {
    let telemetry = TestTelemetry::new();
    let app = layered(shop(), &telemetry);
    let mut request = get("/orders/7");
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    request
        .headers_mut()
        .insert("traceparent", parent.parse().unwrap());
    let response = send(&app, request).await;
    assert_eq!(telemetry.tree(&[]), "");
    assert_eq!(
        response.headers()["x-correlation-id"],
        "4bf92f3577b34da6a3ce929d0e0e4736"
    );
    assert!(
        telemetry
            .metrics()
            .contains("http_server_request_duration_seconds_count")
    );
}

#[tokio::test]
async fn a_layer_applied_twice_is_one_span_and_one_measurement() {
    let telemetry = TestTelemetry::new();
    let app = layered(layered(shop(), &telemetry), &telemetry);
    send(&app, get("/orders/7")).await;
    assert_eq!(telemetry.tree(&[]), "SERVER GET /orders/{id}\n");
    let count = telemetry.metrics();
    let count = count
        .lines()
        .find(|line| line.starts_with("http_server_request_duration_seconds_count"))
        .unwrap();
    assert!(count.ends_with(" 1"), "{count}");
}

#[tokio::test]
async fn hosts_paths_and_methods_of_strangers_make_no_series() {
    let telemetry = TestTelemetry::new();
    let app = layered(shop(), &telemetry);
    for i in 0..300 {
        let request = Request::builder()
            .method(format!("M{i}").as_str())
            .uri(format!("/{i}"));
        send(
            &app,
            request
                .header("host", format!("h{i}.example"))
                .body(Body::empty())
                .unwrap(),
        )
        .await;
    }
    send(&app, get("/orders/7")).await;
    let metrics = telemetry.metrics();
    let series: Vec<_> = metrics
        .lines()
        .filter(|line| line.contains("request_duration_seconds_count"))
        .collect();
    assert_eq!(
        series,
        [
            r#"http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",http_route="/orders/{id}",network_protocol_version="1.1",url_scheme="http"} 1"#,
            r#"http_server_request_duration_seconds_count{http_request_method="_OTHER",http_response_status_code="404",network_protocol_version="1.1",url_scheme="http"} 300"#,
        ]
    );
}

#[tokio::test]
async fn a_handler_below_a_span_of_its_own_reaches_the_servers() {
    let telemetry = TestTelemetry::new();
    let tracer = {
        let scope = InstrumentationScope::builder("theirs").build();
        telemetry.providers().tracer(scope)
    };
    let handler = move || {
        // A span of the application around the handler, as `#[tracing::instrument]` makes it.
        let cx =
            Context::map_current(|cx| tracer.start(cx, "theirs", SpanKind::Internal, Vec::new));
        let handle = async {
            tokio::task::yield_now().await;
            telemetry_api::entry_span().set_attribute("tenant", "blue");
            Context::map_current(|cx| cx.span().end());
        };
        handle.with_context(cx)
    };
    let app = layered(Router::new().route("/", on_get(handler)), &telemetry);
    send(&app, get("/")).await;
    assert_eq!(
        telemetry.tree(&["tenant"]),
        "SERVER GET / tenant=\"blue\"\n  INTERNAL theirs\n"
    );
    assert!(telemetry_api::entry_span().span_context() == SpanContext::NONE);
}

#[tokio::test]
async fn the_path_is_the_callers_below_a_prefix_too() {
    let telemetry = TestTelemetry::new();
    let inner = Router::new()
        .route("/x/{id}", on_get(|| async { "x" }))
        .route("/metrics", on_get(|| async { "of the business" }));
    // The layer is added to the router first; then the router is nested.
    let api = Router::new().nest("/v1", layered(inner, &telemetry));
    let app = Router::new().nest("/api", api);
    send(&app, get("/api/v1/x/7?a=1")).await;
    send(&app, get("/api/v1/metrics")).await;
    assert_eq!(
        telemetry.tree(&["url.path", "url.query", "http.route"]),
        r#"SERVER GET /api/v1/x/{id} url.path="/api/v1/x/7" url.query="a=1" http.route="/api/v1/x/{id}"
SERVER GET /api/v1/metrics url.path="/api/v1/metrics" http.route="/api/v1/metrics"
"#
    );
}

/// A middleware that runs the inner service in a step.
async fn in_a_step(
    axum::extract::State(providers): axum::extract::State<telemetry_api::instrument::Providers>,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> axum::response::Response {
    let tracer = providers.tracer(InstrumentationScope::builder("theirs").build());
    let cx = Context::map_current(|cx| tracer.start(cx, "between", SpanKind::Internal, Vec::new));
    let response = next.run(request).with_context(cx.clone()).await;
    cx.span().end();
    response
}

#[tokio::test]
async fn a_layer_applied_twice_is_one_span_whatever_is_between() {
    let telemetry = TestTelemetry::new();
    let providers = telemetry.providers().clone();
    let between = axum::middleware::from_fn_with_state(providers, in_a_step);
    let app = layered(layered(shop(), &telemetry).layer(between), &telemetry);
    send(&app, get("/orders/7")).await;
    assert_eq!(
        telemetry.tree(&[]),
        "SERVER GET /orders/{id}\n  INTERNAL between\n"
    );
    let own = r#"http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",http_route="/orders/{id}",network_protocol_version="1.1",url_scheme="http"}"#;
    assert_eq!(telemetry.metric(own), Some(1.0));
}

#[tokio::test]
async fn a_request_that_a_handler_sends_to_a_router_at_hand_is_one_of_its_own() {
    let telemetry = TestTelemetry::new();
    let inner = layered(shop(), &telemetry);
    let providers = telemetry.providers().clone();
    let handler = move || async move {
        let tracer = providers.tracer(InstrumentationScope::builder("theirs").build());
        let cx = Context::map_current(|cx| tracer.start(cx, "client", SpanKind::Client, Vec::new));
        let answer = inner.oneshot(get("/orders/7")).with_context(cx.clone());
        let body = answer.await.unwrap().into_body();
        body.collect().await.unwrap();
        cx.span().end();
    };
    let app = layered(Router::new().route("/", on_get(handler)), &telemetry);
    send(&app, get("/")).await;
    let tree = telemetry.tree(&[]);
    assert!(
        tree.contains("SERVER GET /\n") && tree.contains("SERVER GET /orders/{id}\n"),
        "{tree}"
    );
}

#[tokio::test]
async fn excluded_paths_are_whole_paths_below_a_prefix_too() {
    let telemetry = TestTelemetry::new();
    let all = || async { "" };
    let inner = Router::new()
        .route("/", on_get(all))
        .route("/poll", on_get(all))
        .route("/internal/x", on_get(all))
        .route("/each/{id}", on_get(all))
        .route("/seen", on_get(all));
    let layer = TelemetryLayer::new()
        .with_providers(telemetry.providers().clone())
        .with_excluded_routes([
            "/api",
            "/api/poll",
            "/api/internal/*",
            "/api/each/{id}",
            "/seen",
        ]);
    let app = Router::new().nest("/api", inner.layer(layer));
    for path in [
        "/api",
        "/api/poll",
        "/api/internal/x",
        "/api/each/7",
        "/api/seen",
    ] {
        assert_eq!(send(&app, get(path)).await.status(), 200, "{path}");
    }
    assert_eq!(telemetry.tree(&[]), "SERVER GET /api/seen\n");
}

#[tokio::test]
async fn every_version_of_http_is_called_by_its_name() {
    let telemetry = TestTelemetry::new();
    let app = layered(shop(), &telemetry);
    for version in [
        http::Version::HTTP_10,
        http::Version::HTTP_11,
        http::Version::HTTP_2,
        http::Version::HTTP_3,
    ] {
        let mut request = get("/orders/7");
        *request.version_mut() = version;
        send(&app, request).await;
    }
    let versions = ["1.0", "1.1", "2", "3"];
    let expected = versions.map(|version| {
        format!("SERVER GET /orders/{{id}} network.protocol.version=\"{version}\"\n")
    });
    assert_eq!(
        telemetry.tree(&["network.protocol.version"]),
        expected.concat()
    );
    let metrics = telemetry.metrics();
    for version in versions {
        let label = format!("network_protocol_version=\"{version}\"");
        assert!(metrics.contains(&label), "{metrics}");
    }
}
