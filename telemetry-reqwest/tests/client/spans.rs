//! The name, the attributes and the status of a span.

use std::sync::Arc;

use async_trait::async_trait;
use http::Extensions;
use opentelemetry::{
    Context, InstrumentationScope, KeyValue,
    baggage::BaggageExt as _,
    trace::{FutureExt as _, Link, SpanKind, TraceContextExt as _, TraceId, TraceState},
};
use opentelemetry_sdk::{
    metrics::SdkMeterProvider,
    trace::{SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample},
};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next};
use telemetry_api::{CorrelationId, instrument::Providers};
use telemetry_pipeline::testing::TestTelemetry;
use telemetry_reqwest::{TelemetryMiddleware, UrlTemplate};

use crate::{SHOWN, client, client_with, middleware, server};

#[tokio::test]
async fn a_call_is_a_client_span_whose_context_travels() {
    let (telemetry, address) = (TestTelemetry::new(), server().await);
    let tracer = telemetry
        .providers()
        .tracer(InstrumentationScope::builder("t").build());
    let request = tracer.start(&Context::new(), "GET /", SpanKind::Server, Vec::new);
    let cx = CorrelationId::parse("abc-123")
        .unwrap()
        .attach_to(&request)
        .with_baggage([KeyValue::new("role", "buyer")]);

    let url = format!("http://{address}/echo?sig=secret&a=1");
    let call = client(&telemetry).get(&url).send();
    let echoed = call.with_context(cx).await.unwrap().text().await.unwrap();
    request.span().end();

    let spans = telemetry.spans();
    let call = spans
        .iter()
        .find(|span| span.span_kind == SpanKind::Client)
        .unwrap();
    let (trace_id, span_id) = (call.span_context.trace_id(), call.span_context.span_id());
    for line in [
        format!("traceparent: 00-{trace_id}-{span_id}-01"),
        "x-correlation-id: abc-123".into(),
        "baggage: role=buyer".into(),
    ] {
        assert!(echoed.contains(&line), "{line} in {echoed}");
    }
    let port = address.port();
    let shown = [
        "http.request.method",
        "url.full",
        "server.address",
        "server.port",
        "http.response.status_code",
        "network.protocol.version",
        "network.peer.address",
        "network.peer.port",
    ];
    assert_eq!(
        telemetry.tree(&shown),
        format!(
            "SERVER GET /\n  CLIENT GET http.request.method=\"GET\" \
             url.full=\"http://127.0.0.1:{port}/echo?sig=REDACTED&a=1\" server.address=\"127.0.0.1\" \
             server.port={port} http.response.status_code=200 \
             network.protocol.version=\"1.1\" network.peer.address=\"127.0.0.1\" network.peer.port={port}\n"
        )
    );
    let series = format!(
        "http_client_request_duration_seconds_count{{http_request_method=\"GET\",http_response_status_code=\"200\",\
         network_protocol_version=\"1.1\",server_address=\"127.0.0.1\",server_port=\"{port}\"}}"
    );
    assert_eq!(
        telemetry.metric(&series),
        Some(1.0),
        "{}",
        telemetry.metrics()
    );
}

#[tokio::test]
async fn status_codes_from_400_on_are_errors_of_the_client() {
    let (telemetry, address) = (TestTelemetry::new(), server().await);
    for code in [204, 302, 404, 503] {
        let _ = client(&telemetry)
            .get(format!("http://{address}/status/{code}"))
            .send()
            .await
            .unwrap();
    }
    assert_eq!(
        telemetry.tree(&SHOWN),
        r#"CLIENT GET http.response.status_code=204
CLIENT GET http.response.status_code=302
CLIENT GET http.response.status_code=404 error.type="404" ERROR
CLIENT GET http.response.status_code=503 error.type="503" ERROR
"#
    );
}

#[tokio::test]
async fn without_a_pipeline_the_correlation_id_still_travels() {
    let address = server().await;
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(TelemetryMiddleware::new())
        .build();
    let cx = CorrelationId::parse("abc-123")
        .unwrap()
        .attach_to(&Context::new());
    let echoed = client
        .get(format!("http://{address}/"))
        .send()
        .with_context(cx)
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        echoed.contains("x-correlation-id: abc-123") && !echoed.contains("traceparent"),
        "{echoed}"
    );
}

#[tokio::test]
async fn a_template_names_the_span_and_a_path_never_does() {
    let (telemetry, address) = (TestTelemetry::new(), server().await);
    let client = client(&telemetry);
    let url = format!("http://{address}/orders/42");
    let call = client.get(&url).with_extension(UrlTemplate("/orders/{id}"));
    let _ = call.send().await.unwrap();
    let _ = client.get(&url).send().await.unwrap();
    let brew = reqwest::Method::from_bytes(b"BREW").unwrap();
    let _ = client.request(brew, &url).send().await.unwrap();
    assert_eq!(
        telemetry.tree(&["url.template", "http.request.method_original"]),
        r#"CLIENT GET /orders/{id} url.template="/orders/{id}"
CLIENT GET
CLIENT HTTP http.request.method_original="BREW"
"#
    );
    assert!(
        telemetry
            .metrics()
            .contains("url_template=\"/orders/{id}\"")
    );
}

#[tokio::test]
async fn known_methods_are_the_clients_to_say_or_the_environments() {
    let (telemetry, address) = (TestTelemetry::new(), server().await);
    let listed = TelemetryMiddleware::from_environment(|name| {
        (name == "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS").then(|| "GET,COPY".to_owned())
    });
    let listed = listed.with_providers(telemetry.providers().clone());
    let ours = middleware(&telemetry).with_known_methods(["GET", "PURGE"]);
    for (middleware, method) in [(listed, "COPY"), (ours, "PURGE")] {
        let client = client_with(middleware);
        for method in [method, "PUT"] {
            let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
            let call = client.request(method, format!("http://{address}/"));
            let _ = call.send().await.unwrap();
        }
    }
    assert_eq!(
        telemetry.tree(&["http.request.method", "http.request.method_original"]),
        r#"CLIENT COPY http.request.method="COPY"
CLIENT HTTP http.request.method="_OTHER" http.request.method_original="PUT"
CLIENT PURGE http.request.method="PURGE"
CLIENT HTTP http.request.method="_OTHER" http.request.method_original="PUT"
"#
    );
    let metrics = telemetry.metrics();
    assert!(
        metrics.contains("http_request_method=\"PURGE\""),
        "{metrics}"
    );
}

#[tokio::test]
async fn the_user_agent_is_told_by_option_only() {
    let (telemetry, address) = (TestTelemetry::new(), server().await);
    for middleware in [
        middleware(&telemetry),
        middleware(&telemetry).with_user_agent(),
    ] {
        let call = client_with(middleware).get(format!("http://{address}/"));
        let _ = call.header("user-agent", "shop/1").send().await.unwrap();
    }
    assert_eq!(
        telemetry.tree(&["user_agent.original"]),
        "CLIENT GET\nCLIENT GET user_agent.original=\"shop/1\"\n"
    );
}

#[tokio::test]
async fn secrets_of_a_request_are_in_no_signal() {
    let (telemetry, address) = (TestTelemetry::new(), server().await);
    let middleware = middleware(&telemetry).with_redacted_query_keys(["token"]);
    let url = format!("http://user:hunter2@{address}/a?token=hunter2&%73ig=hunter2&b=1#id=hunter2");
    // The request builder moves user and password into a header.
    let mut request = reqwest::Request::new(reqwest::Method::GET, url.parse().unwrap());
    for name in ["authorization", "cookie"] {
        let name = http::HeaderName::from_static(name);
        request
            .headers_mut()
            .insert(name, "hunter2".parse().unwrap());
    }
    let _default = telemetry.set_default();
    let _ = client_with(middleware).execute(request).await.unwrap();
    let spans = telemetry.spans();
    let shown = telemetry.tree(&["url.full"]);
    let port = address.port();
    assert_eq!(
        shown,
        format!(
            "CLIENT GET url.full=\"http://REDACTED:REDACTED@127.0.0.1:{port}/a?token=REDACTED&%73ig=REDACTED&b=1\"\n"
        )
    );
    let (metrics, logs) = (telemetry.metrics(), telemetry.logs());
    assert!(!logs.is_empty(), "the call had no parent, which is logged");
    let signals = format!("{spans:?}{metrics}{logs:?}");
    assert!(!signals.contains("hunter2"), "{signals}");
}

#[tokio::test]
async fn a_plain_client_is_instrumented_without_reqwest_middleware() {
    let (telemetry, address) = (TestTelemetry::new(), server().await);
    let (middleware, client) = (middleware(&telemetry), reqwest::Client::new());
    let mut extensions = http::Extensions::new();
    extensions.insert(UrlTemplate("/status/{code}"));
    for _ in 0..2 {
        let request = client.get(format!("http://{address}/status/503")).build();
        let response = middleware
            .execute(&client, request.unwrap(), &mut extensions)
            .await;
        assert_eq!(response.unwrap().status(), 503);
    }
    assert_eq!(
        telemetry.tree(&["http.request.resend_count"]),
        "CLIENT GET /status/{code} ERROR\nCLIENT GET /status/{code} http.request.resend_count=1 ERROR\n"
    );
}

#[tokio::test]
async fn a_call_in_a_suppressed_context_leaves_no_trace() {
    let (telemetry, address) = (TestTelemetry::new(), server().await);
    let call = client(&telemetry).get(format!("http://{address}/")).send();
    let cx = Context::new().with_telemetry_suppressed();
    let echoed = call.with_context(cx).await.unwrap().text().await.unwrap();
    assert!(!echoed.contains("traceparent") && telemetry.spans().is_empty());
    assert_eq!(telemetry.metrics(), "");
}

/// Samples every span except client spans.
#[derive(Clone, Debug)]
struct NoClients;

impl ShouldSample for NoClients {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        _: &str,
        kind: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        SamplingResult {
            decision: if *kind == SpanKind::Client {
                SamplingDecision::Drop
            } else {
                SamplingDecision::RecordAndSample
            },
            attributes: Vec::new(),
            trace_state: TraceState::NONE,
        }
    }
}

/// Answers `true` if the current span is sampled.
struct Sampled;

#[async_trait]
impl Middleware for Sampled {
    async fn handle(
        &self,
        _: Request,
        _: &mut Extensions,
        _: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let sampled = Context::map_current(|cx| cx.span().span_context().is_sampled());
        Ok(http::Response::new(sampled.to_string()).into())
    }
}

#[tokio::test]
async fn what_is_below_a_span_that_is_dropped_is_below_it_and_not_its_parent() {
    let tracers = SdkTracerProvider::builder().with_sampler(NoClients).build();
    let meters = Arc::new(SdkMeterProvider::builder().build());
    let providers = Providers::builder(tracers, meters).build();
    let tracer = providers.tracer(InstrumentationScope::builder("t").build());
    let request = tracer.start(&Context::new(), "GET /", SpanKind::Server, Vec::new);
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(TelemetryMiddleware::new().with_providers(providers))
        .with(Sampled)
        .build();
    let call = client.get("http://shop.example/").send();
    let answer = call.with_context(request).await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "false");
}
