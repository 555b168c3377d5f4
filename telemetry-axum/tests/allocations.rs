//! The number of allocations that the layer adds to a request. It has its own binary, because the counting allocator is
//! global.

// Clippy allows these in test functions, but not in their helpers.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use axum::{
    Router,
    body::Body,
    http::Request,
    routing::{get, post},
};
use http_body_util::BodyExt;
use telemetry_axum::TelemetryLayer;
use telemetry_pipeline::testing::unsent;
use tower::Service;

fn routes() -> Router {
    Router::new()
        .route("/", get(|| async { "home" }))
        .route("/orders/{id}", get(|| async { "an order" }))
        .route("/orders", post(|| async { "created" }))
}

fn request(flags: &str) -> Request<Body> {
    Request::get("http://shop.example/orders/17")
        .header("host", "shop.example")
        .header("user-agent", "cost/1.0")
        .header("accept", "*/*")
        .header(
            "traceparent",
            format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}"),
        )
        .extension(Connection)
        .body(Body::empty())
        .unwrap()
}

/// Stands for the `ConnectInfo` that a server puts on every request. It is the fourth extension after axum's three, so
/// the map of extensions has grown already when the layer adds its mark.
#[derive(Clone)]
struct Connection;

/// Runs a future that is ready at its first poll.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the handlers are ready at once"),
    }
}

/// The allocations of one request, after a few others that bind the handles.
fn allocations(app: Router, flags: &str) -> u64 {
    let mut app = app.with_state::<()>(());
    let mut once = |request: Request<Body>| {
        let response: axum::response::Response = match now(Service::call(&mut app, request)) {
            Ok(response) => response,
            Err(never) => match never {},
        };
        now(response.into_body().collect()).unwrap();
    };
    for _ in 0..3 {
        once(request(flags));
    }
    let request = request(flags);
    allocation_counter::measure(move || once(request)).count_total
}

#[test]
fn the_layer_stays_within_its_allocation_budgets() {
    let telemetry = unsent().build().unwrap();
    let layer = || TelemetryLayer::new().with_providers(telemetry.providers().clone());
    let bare = allocations(routes(), "01");
    let net = |layer: TelemetryLayer, flags| allocations(routes().layer(layer), flags) - bare;
    let shown = [
        ("sampled", net(layer(), "01")),
        ("unsampled", net(layer(), "00")),
        ("sampled, access log", net(layer().with_access_log(), "01")),
        ("without a pipeline", net(TelemetryLayer::new(), "01")),
    ];
    // axum needs three allocations for any layer that wraps the response's body: boxes for the service, its future and
    // the body. Two more are the context with the id and the header that echoes it. A sampled request adds six: the
    // caller's context, the span's box and record, its attributes, its path and its id. The log line of a request
    // without a body adds none.
    let budgets = [11, 5, 11, 5];
    for ((variant, measured), budget) in shown.into_iter().zip(budgets) {
        assert_eq!(measured, budget, "{variant}; {shown:?}");
    }
}

#[test]
fn a_request_allocates_no_more_among_ten_thousand_routes() {
    let routes = (0..10_000).fold(routes(), |router, i| {
        router.route(&format!("/further/{i}/{{id}}"), get(|| async { "further" }))
    });
    let telemetry = unsent().build().unwrap();
    let layer = TelemetryLayer::new().with_providers(telemetry.providers().clone());
    let mut app = routes.layer(layer).with_state::<()>(());
    let mut once = |i: usize| {
        let mut request = request("01");
        *request.uri_mut() = format!("/further/{i}/17").parse().unwrap();
        let answer = || {
            let response: axum::response::Response = match now(Service::call(&mut app, request)) {
                Ok(response) => response,
                Err(never) => match never {},
            };
            now(response.into_body().collect()).unwrap();
        };
        allocation_counter::measure(answer).count_total
    };
    // More routes than there are series with all labels, each requested once.
    for i in 0..2_000 {
        once(i);
    }
    let (first, last) = (once(1), once(1_999));
    assert_eq!(first, last);
}

#[test]
fn hosts_agents_paths_and_methods_of_strangers_leave_nothing_behind() {
    let telemetry = unsent().build().unwrap();
    let layer = TelemetryLayer::new().with_providers(telemetry.providers().clone());
    let mut app = routes().layer(layer).with_state::<()>(());
    let mut strangers = |from: u32| {
        for i in from..from + 1_000 {
            let request = Request::builder()
                .method(format!("M{i}").as_str())
                .uri(format!("/orders/{i}"))
                .header("host", format!("h{i}.example"))
                .header("user-agent", format!("agent/{i}"))
                .header(
                    "traceparent",
                    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
                );
            let request = request.body(Body::empty()).unwrap();
            let response: axum::response::Response = match now(Service::call(&mut app, request)) {
                Ok(response) => response,
                Err(never) => match never {},
            };
            now(response.into_body().collect()).unwrap();
        }
    };
    strangers(0);
    let left = allocation_counter::measure(|| strangers(1_000));
    assert_eq!((left.count_current, left.bytes_current), (0, 0));
}
