//! What is measured.

use async_trait::async_trait;
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next};
use telemetry_core::{scrape::ScrapeFormat, semconv_http::DURATION_BOUNDS, testing::TestTelemetry};

use crate::{client, client_with, listen, middleware, server};

struct Canned;

#[async_trait]
impl Middleware for Canned {
    async fn handle(
        &self,
        _: Request,
        _: &mut Extensions,
        _: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        Ok(http::Response::new("").into())
    }
}

#[tokio::test]
async fn any_number_of_addresses_is_a_bounded_number_of_series() {
    let telemetry = TestTelemetry::new();
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(middleware(&telemetry).with_active_requests())
        .with(Canned)
        .build();
    for n in 0..1000 {
        let url = format!("http://host-{n}.example/");
        let _ = client.get(url).send().await.unwrap();
    }
    let metrics = telemetry.metrics();
    let counts = metrics
        .lines()
        .filter(|line| line.starts_with("http_client_request_duration_seconds_count"));
    assert_eq!(counts.count(), 201);
    let active = metrics
        .lines()
        .filter(|line| line.starts_with("http_client_active_requests"));
    assert_eq!(active.count(), 201);
    // What is beyond the limit keeps its other labels, and its span its address.
    let other = "http_client_request_duration_seconds_count{http_request_method=\"GET\",\
                 http_response_status_code=\"200\",network_protocol_version=\"1.1\",server_address=\"_OTHER\"}";
    assert_eq!(telemetry.metric(other), Some(800.0), "{metrics}");
    let tree = telemetry.tree(&["server.address", "server.port"]);
    assert!(tree.contains("server.address=\"host-999.example\" server.port=80"));
}

#[tokio::test]
async fn requests_under_way_are_counted_by_option() {
    let telemetry = TestTelemetry::new();
    let (_listener, address) = listen().await;
    let client = client_with(middleware(&telemetry).with_active_requests());
    let url = format!("http://{address}/");
    let series = format!(
        "http_client_active_requests{{http_request_method=\"GET\",server_address=\"127.0.0.1\",server_port=\"{}\"}}",
        address.port()
    );
    let mut call = Box::pin(client.get(&url).send());
    assert!(futures_util::poll!(&mut call).is_pending());
    assert_eq!(telemetry.metric(&series), Some(1.0));
    drop(call);
    assert_eq!(telemetry.metric(&series), Some(0.0));
}

#[tokio::test]
async fn a_duration_has_the_span_as_its_exemplar() {
    let (telemetry, address) = (TestTelemetry::new(), server().await);
    let call = client(&telemetry).get(format!("http://{address}/"));
    let _ = call.send().await.unwrap();
    let trace_id = telemetry.spans()[0].span_context.trace_id().to_string();
    let text = telemetry
        .providers()
        .scrape(ScrapeFormat::OpenMetrics)
        .unwrap();
    assert!(
        text.lines().any(
            |line| line.starts_with("http_client_request_duration_seconds_bucket")
                && line.contains(&trace_id)
        ),
        "{text}"
    );
    for bound in DURATION_BOUNDS {
        assert!(
            text.contains(&format!("le=\"{bound:?}\"")),
            "{bound} {text}"
        );
    }
    // Nothing that nobody asked for.
    assert!(!text.contains("active_requests") && !text.contains("body_size"));
}
