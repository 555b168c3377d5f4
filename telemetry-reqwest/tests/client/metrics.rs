//! The metrics of calls.

use async_trait::async_trait;
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next};
use telemetry_api::instrument::scrape::ScrapeFormat;
use telemetry_pipeline::testing::TestTelemetry;

use crate::{client, client_with, listen, middleware, server};

/// Answers with the status in the query, else with 200.
struct Canned;

#[async_trait]
impl Middleware for Canned {
    async fn handle(
        &self,
        request: Request,
        _: &mut Extensions,
        _: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let status = request.url().query().and_then(|query| query.parse().ok());
        let mut response = http::Response::new("");
        *response.status_mut() = status.unwrap_or_default();
        Ok(response.into())
    }
}

#[tokio::test]
async fn any_number_of_label_sets_is_a_bounded_number_of_series() {
    let telemetry = TestTelemetry::new();
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(middleware(&telemetry).with_body_sizes())
        .with(Canned)
        .build();
    let call = async |address: u16, status: u16| {
        let url = format!("http://host-{address}.example/?{status}");
        let _ = client.get(url).send().await.unwrap();
    };
    for status in 200..210 {
        for address in 0..160 {
            call(address, status).await;
        }
    }
    // An address that has a series keeps it.
    call(0, 200).await;
    let metrics = telemetry.metrics();
    for name in [
        "http_client_request_duration_seconds",
        "http_client_request_body_size_bytes",
    ] {
        let name = format!("{name}_count");
        let series = metrics.lines().filter(|line| line.starts_with(&name));
        assert_eq!(series.count(), 1501, "{name}");
        let overflow = format!("{name}{{otel_metric_overflow=\"true\"}}");
        assert_eq!(telemetry.metric(&overflow), Some(100.0), "{name}");
    }
    let kept = "http_client_request_duration_seconds_count{http_request_method=\"GET\",\
                http_response_status_code=\"200\",network_protocol_version=\"1.1\",\
                server_address=\"host-0.example\",server_port=\"80\"}";
    assert_eq!(telemetry.metric(kept), Some(2.0));
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
    // Past the limit the other labels stay, and the span keeps its address.
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
    let bounds: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("http_client_request_duration_seconds_bucket"))
        .filter_map(|line| line.split_once("le=\"")?.1.split_once('"'))
        .map(|(bound, _)| bound)
        .collect();
    // The bounds of the semantic conventions, written out.
    let advised = [
        "0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1.0", "2.5",
        "5.0", "7.5", "10.0", "+Inf",
    ];
    assert_eq!(bounds, advised, "{text}");
    // The metrics of options are absent.
    assert!(!text.contains("active_requests") && !text.contains("body_size"));
}
