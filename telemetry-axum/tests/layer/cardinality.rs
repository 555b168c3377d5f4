use std::task::{Context, Poll, Waker};

use axum::{
    Router,
    routing::{any, get as on_get},
};
use http::Version;
use opentelemetry_sdk::trace::Sampler;
use tower::Service;

use super::*;

fn series(telemetry: &TestTelemetry) -> usize {
    telemetry.metrics().lines().count()
}

/// Runs a request that is ready at its first poll, without a runtime.
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
    // Spans are not tested here, and the test kit would keep a million of them.
    let telemetry = TestTelemetry::with_sampler(Sampler::AlwaysOff);
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
    // The invented values have added no series, so they use no memory either.
    assert_eq!(series(&telemetry), after_first_strangers);
    let own = r#"http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",http_route="/orders/{id}",network_protocol_version="1.1",url_scheme="http"}"#;
    assert_eq!(telemetry.metric(own), Some(2.0));
    let strangers = r#"http_server_request_duration_seconds_count{http_request_method="_OTHER",http_response_status_code="404",network_protocol_version="1.1",url_scheme="http"}"#;
    assert_eq!(telemetry.metric(strangers), Some(1_000_000.0));
}

const METHODS: [&str; 10] = [
    "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE", "BREW",
];

/// Requests a path with every method, version and scheme that a caller can choose.
fn flood(app: &mut axum::routing::RouterIntoService<Body>, path: &str) {
    for method in METHODS {
        for version in [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2] {
            for scheme in ["http", "https"] {
                let request = Request::builder()
                    .method(method)
                    .version(version)
                    .uri(format!("{scheme}://shop.example{path}"));
                answer(app, request.body(Body::empty()).unwrap());
            }
        }
    }
}

/// The number of measured requests of the route, over all its series.
fn measured(metrics: &str, route: &str) -> f64 {
    let label = format!("http_route=\"{route}\"");
    let counts = metrics
        .lines()
        .filter(|line| line.starts_with("http_server_request_duration_seconds_count"))
        .filter(|line| line.contains(&label));
    counts
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

#[test]
fn routes_that_are_used_late_have_series_of_their_own_whatever_strangers_asked_for() {
    for sampler in [Sampler::AlwaysOn, Sampler::AlwaysOff] {
        let telemetry = TestTelemetry::with_sampler(sampler);
        let routes = (0..200).fold(Router::new(), |router, i| {
            let (path, any_path) = (format!("/get/{i}"), format!("/any/{i}"));
            let router = router.route(&path, on_get(|| async { "" }));
            router.route(&any_path, any(|| async { "" }))
        });
        let mut app = layered(routes, &telemetry).into_service();
        for i in 0..100 {
            flood(&mut app, &format!("/get/{i}"));
        }
        // Requests that are answered 405 have no route in their labels, so half of the series are still free.
        let allowed = r#"{http_request_method="GET",http_response_status_code="200",http_route="/get/150",network_protocol_version="1.1",url_scheme="http"}"#;
        let allowed = format!("http_server_request_duration_seconds_count{allowed}");
        answer(&mut app, get("/get/150"));
        assert_eq!(telemetry.metric(&allowed), Some(1.0));
        for i in 0..200 {
            flood(&mut app, &format!("/get/{i}"));
            flood(&mut app, &format!("/any/{i}"));
        }
        answer(&mut app, get("/get/150"));
        let metrics = telemetry.metrics();
        assert!(telemetry.metric(&allowed) > Some(1.0), "{metrics}");
        for i in 0..200 {
            // `/get/..` allows GET and HEAD; `/any/..` allows all methods.
            let floods = if i < 100 { 2.0 } else { 1.0 };
            let late = if i == 150 { 2.0 } else { 0.0 };
            let got = measured(&metrics, &format!("/get/{i}"));
            assert_eq!(got, 12.0 * floods + late, "/get/{i}");
            assert_eq!(measured(&metrics, &format!("/any/{i}")), 60.0, "/any/{i}");
        }
        let counts = metrics
            .lines()
            .filter(|line| line.starts_with("http_server_request_duration_seconds_count"));
        assert!(counts.count() <= 1_901);
    }
}

#[test]
fn that_routes_share_series_is_noticed() {
    let telemetry = telemetry_pipeline::testing::unsent().build().unwrap();
    let layer = TelemetryLayer::new().with_providers(telemetry.providers().clone());
    let routes = (0..60).fold(Router::new(), |router, i| {
        router.route(&format!("/any/{i}"), any(|| async { "" }))
    });
    let mut app = routes.layer(layer).into_service();
    for i in 0..60 {
        assert!(telemetry.health().overflowing_metrics().is_empty());
        flood(&mut app, &format!("/any/{i}"));
    }
    let format = telemetry_api::instrument::scrape::ScrapeFormat::negotiate("");
    let scraped = telemetry.providers().scrape(format).unwrap();
    assert!(scraped.contains("otel_metric_overflow"), "{scraped}");
    assert_eq!(
        telemetry.health().overflowing_metrics(),
        ["http.server.request.duration"]
    );
}
