use std::task::{Context, Poll, Waker};

use axum::{Router, routing::get as on_get};
use tower::Service;

use super::*;

fn series(telemetry: &TestTelemetry) -> usize {
    telemetry.metrics().lines().count()
}

/// Drives a request that never waits, without a runtime.
fn answer(app: &mut axum::routing::RouterIntoService<Body>, request: Request<Body>) {
    let mut cx = Context::from_waker(Waker::noop());
    let mut response = std::pin::pin!(app.call(request));
    match response.as_mut().poll(&mut cx) {
        Poll::Ready(Ok(response)) => drop(response),
        Poll::Ready(Err(never)) => match never {},
        Poll::Pending => panic!("the handlers are ready at once"),
    }
}

#[test]
fn a_million_hosts_paths_and_methods_leave_the_series_of_legitimate_routes_intact() {
    // Spans of strangers are not what is tested, and a million of them would be kept.
    let telemetry = TestTelemetry::with_sampler(opentelemetry_sdk::trace::Sampler::AlwaysOff);
    let routes = Router::new().route("/orders/{id}", on_get(|| async { "order" }));
    let mut app = layered(routes, &telemetry).into_service();
    answer(&mut app, get("/orders/1"));
    let mut after_first_strangers = 0;
    for i in 0..1_000_000_u32 {
        let request = Request::builder()
            .method(format!("M{i}").as_str())
            .uri(format!("/{i}"))
            .header("host", format!("h{i}.example"));
        answer(&mut app, request.body(Body::empty()).unwrap());
        if i == 10 {
            after_first_strangers = series(&telemetry);
        }
    }
    answer(&mut app, get("/orders/2"));
    // Nothing grew with the callers' inventions: that bounds the memory, too.
    assert_eq!(series(&telemetry), after_first_strangers);
    let own = r#"http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",http_route="/orders/{id}",network_protocol_version="1.1",url_scheme="http"}"#;
    assert_eq!(telemetry.metric(own), Some(2.0));
    let strangers = r#"http_server_request_duration_seconds_count{http_request_method="_OTHER",http_response_status_code="404",network_protocol_version="1.1",url_scheme="http"}"#;
    assert_eq!(telemetry.metric(strangers), Some(1_000_000.0));
}
