//! Spans that end with the response's body.

use axum::{Router, body::Body, routing::get};
use bytes::Bytes;
use telemetry_pipeline::testing::TestTelemetry;
use telemetry_reqwest::{SpanEnd, TelemetryMiddleware};

use crate::{client_with, middleware, serve};

const SHOWN: [&str; 3] = [
    "http.request.body.size",
    "http.response.body.size",
    "telemetry.outcome",
];

fn until_body_end(telemetry: &TestTelemetry) -> TelemetryMiddleware {
    middleware(telemetry).with_span_end(SpanEnd::Body)
}

/// Two chunks of five bytes, without a length.
async fn chunks() -> Body {
    let chunks = ["hello", "world"].map(|chunk| Ok::<_, std::io::Error>(Bytes::from(chunk)));
    Body::from_stream(futures_util::stream::iter(chunks))
}

#[tokio::test]
async fn the_span_ends_when_the_body_was_read_and_counts_its_bytes() {
    let telemetry = TestTelemetry::new();
    let address = serve(Router::new().route("/chunks", get(chunks))).await;
    let url = format!("http://{address}/chunks?a=1");
    let client = client_with(until_body_end(&telemetry));
    let response = client.get(&url).send().await.unwrap();
    assert!(telemetry.spans().is_empty());
    assert_eq!(response.url().as_str(), url);
    assert_eq!(response.remote_addr(), Some(address));
    assert_eq!(response.version(), http::Version::HTTP_11);
    assert_eq!(response.text().await.unwrap(), "helloworld");
    assert_eq!(
        telemetry.tree(&SHOWN),
        "CLIENT GET http.response.body.size=10\n"
    );
}

#[tokio::test]
async fn a_body_dropped_before_its_end_tells_how_far_it_was_read() {
    let telemetry = TestTelemetry::new();
    let address = serve(Router::new().route("/", get(chunks))).await;
    let client = client_with(until_body_end(&telemetry));
    let response = client.get(format!("http://{address}/")).send().await;
    drop(response);
    let mut response = client
        .get(format!("http://{address}/"))
        .send()
        .await
        .unwrap();
    let read = response.chunk().await.unwrap().unwrap().len();
    drop(response);
    let tree = telemetry.tree(&SHOWN);
    let lines: Vec<_> = tree.lines().collect();
    assert_eq!(
        lines[0],
        "CLIENT GET http.response.body.size=0 telemetry.outcome=\"body_dropped\""
    );
    assert_eq!(
        lines[1],
        format!("CLIENT GET http.response.body.size={read} telemetry.outcome=\"body_dropped\"")
    );
}

#[tokio::test]
async fn a_body_of_known_length_keeps_it_and_an_empty_one_ends_at_once() {
    let telemetry = TestTelemetry::new();
    let app = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/empty", get(|| async {}));
    let address = serve(app).await;
    let client = client_with(until_body_end(&telemetry));
    let response = client
        .get(format!("http://{address}/"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.content_length(), Some(5));
    assert_eq!(response.bytes().await.unwrap(), "hello");
    let empty = client
        .get(format!("http://{address}/empty"))
        .send()
        .await
        .unwrap();
    assert_eq!(telemetry.spans().len(), 2);
    drop(empty);
    assert_eq!(
        telemetry.tree(&SHOWN),
        "CLIENT GET http.response.body.size=5\nCLIENT GET http.response.body.size=0\n"
    );
}

#[tokio::test]
async fn sizes_of_both_bodies_are_measured_by_option() {
    let telemetry = TestTelemetry::new();
    let app = Router::new().fallback(|body: String| async move { body.repeat(2) });
    let address = serve(app).await;
    for end in [SpanEnd::Head, SpanEnd::Body] {
        let client = client_with(middleware(&telemetry).with_span_end(end).with_body_sizes());
        let call = client.post(format!("http://{address}/")).body("hello");
        assert_eq!(call.send().await.unwrap().text().await.unwrap().len(), 10);
    }
    assert_eq!(
        telemetry.tree(&SHOWN),
        "CLIENT POST http.request.body.size=5 http.response.body.size=10\n".repeat(2)
    );
    let port = address.port();
    for (name, sum) in [("request", 10.0), ("response", 20.0)] {
        let series = format!(
            "http_client_{name}_body_size_bytes_sum{{http_request_method=\"POST\",http_response_status_code=\"200\",\
             network_protocol_version=\"1.1\",server_address=\"127.0.0.1\",server_port=\"{port}\"}}"
        );
        assert_eq!(
            telemetry.metric(&series),
            Some(sum),
            "{}",
            telemetry.metrics()
        );
    }
}
