//! The methods of gRPC calls: strangers cannot invent one, and however a call of a real one ends, it is named.

use std::time::Duration;

use axum::routing::post;
use futures_util::FutureExt as _;
use http::StatusCode;

use super::{grpc::call, *};

const GRPC: &str = "application/grpc";

fn refused(code: &'static str) -> Response<Body> {
    let refusal = Response::builder()
        .header("content-type", GRPC)
        .header("grpc-status", code);
    refusal.body(Body::empty()).unwrap()
}

/// An answer with a message and a status in the trailers.
fn served(code: &'static str) -> Response<Body> {
    let trailers = http::HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        http::HeaderValue::from_static(code),
    )]);
    let message = http_body_util::Full::new(axum::body::Bytes::from_static(b"\0\0\0\0\0"));
    let body = message.with_trailers(std::future::ready(Some(Ok(trailers))));
    let answer = Response::builder().header("content-type", GRPC);
    answer.body(Body::new(body)).unwrap()
}

/// A server whose methods answer as the header `answer` of the call asks.
fn app(telemetry: &TestTelemetry, routes: Router) -> Router {
    let answer = |request: Request<Body>| async move {
        match request.headers().get("answer").map(|it| it.as_bytes()) {
            Some(b"never") => std::future::pending().await,
            Some(b"unauthenticated") => refused("16"),
            Some(b"denied") => refused("7"),
            Some(b"exhausted") => refused("8"),
            Some(b"unavailable") => refused("14"),
            Some(b"unimplemented") => refused("12"),
            Some(b"401") => Response::builder()
                .status(StatusCode::UNAUTHORIZED)
                .body(Body::empty())
                .unwrap(),
            Some(b"not-found") => refused("5"),
            Some(b"internal") => served("13"),
            _ => served("0"),
        }
    };
    let layer = TelemetryLayer::new().with_providers(telemetry.providers().clone());
    let routes = routes.fallback(answer).route("/routed.S/M", post(answer));
    routes.layer(layer.with_grpc().with_access_log())
}

fn asking(answer: &'static str, method: &str) -> Request<Body> {
    let mut request = call(GRPC, method);
    let headers = request.headers_mut();
    headers.insert("answer", http::HeaderValue::from_static(answer));
    request
}

/// Sends a call whose caller leaves at once.
fn leave(app: &Router, method: &str) {
    assert!(
        app.clone()
            .oneshot(asking("never", method))
            .now_or_never()
            .is_none()
    );
}

const SHOWN: [&str; 2] = ["rpc.method", "rpc.response.status_code"];

#[tokio::test]
async fn refused_calls_of_invented_methods_are_other_and_take_no_room_from_real_ones() {
    let telemetry = TestTelemetry::new();
    let app = app(&telemetry, Router::new());
    let refusals = [
        "unauthenticated",
        "denied",
        "exhausted",
        "unavailable",
        "unimplemented",
        "401",
    ];
    for i in 0..2_000 {
        let method = format!("/invented.S/M{i}");
        send(&app, asking(refusals[i % refusals.len()], &method)).await;
        leave(&app, &method);
    }
    let series = telemetry.metrics();
    assert!(!series.contains("invented"), "{series}");
    let counts = |line: &&str| line.starts_with("rpc_server_call_duration_seconds_count");
    assert!(series.lines().filter(counts).count() < 10);
    telemetry.reset();
    for answer in ["ok", "unauthenticated", "denied", "never"] {
        let call = asking(answer, "/real.S/M");
        let _ = app
            .clone()
            .oneshot(call)
            .now_or_never()
            .map(|it| it.unwrap().into_body().collect().now_or_never());
    }
    assert_eq!(
        telemetry.tree(&SHOWN),
        r#"SERVER real.S/M rpc.method="real.S/M" rpc.response.status_code="OK"
SERVER real.S/M rpc.method="real.S/M" rpc.response.status_code="UNAUTHENTICATED"
SERVER real.S/M rpc.method="real.S/M" rpc.response.status_code="PERMISSION_DENIED"
SERVER real.S/M rpc.method="real.S/M" rpc.response.status_code="CANCELLED"
"#
    );
}

#[tokio::test]
async fn a_service_that_answers_with_an_error_has_the_method_too() {
    let telemetry = TestTelemetry::new();
    let app = app(&telemetry, Router::new());
    for (answer, method) in [("not-found", "/a.S/A"), ("internal", "/a.S/B")] {
        send(&app, asking(answer, method)).await;
    }
    assert_eq!(
        telemetry.tree(&SHOWN),
        r#"SERVER a.S/A rpc.method="a.S/A" rpc.response.status_code="NOT_FOUND"
SERVER a.S/B rpc.method="a.S/B" rpc.response.status_code="INTERNAL" ERROR
"#
    );
}

#[tokio::test]
async fn a_method_that_the_router_has_is_known_before_it_answers() {
    let telemetry = TestTelemetry::new();
    let app = app(&telemetry, Router::new());
    leave(&app, "/routed.S/M");
    leave(&app, "/routed.S/Other");
    send(&app, asking("unauthenticated", "/routed.S/M")).await;
    assert_eq!(
        telemetry.tree(&SHOWN),
        r#"SERVER routed.S/M rpc.method="routed.S/M" rpc.response.status_code="CANCELLED"
SERVER grpc rpc.method="_OTHER" rpc.response.status_code="CANCELLED"
SERVER routed.S/M rpc.method="routed.S/M" rpc.response.status_code="UNAUTHENTICATED"
"#
    );
}

#[tokio::test]
async fn a_slow_method_keeps_its_name_on_the_span_the_metric_and_the_line() {
    let telemetry = TestTelemetry::new();
    let app = app(&telemetry, Router::new());
    send(&app, asking("ok", "/slow.S/M")).await;
    telemetry.reset();
    let lines = super::logs::logged(async {
        let mut call = asking("never", "/slow.S/M");
        let timeout = http::HeaderValue::from_static("20m");
        call.headers_mut().insert("grpc-timeout", timeout);
        let ended = tokio::time::timeout(Duration::from_millis(25), app.oneshot(call)).await;
        assert!(ended.is_err());
    })
    .await;
    assert_eq!(
        telemetry.tree(&["rpc.method", "rpc.response.status_code", "error.type"]),
        "SERVER slow.S/M rpc.method=\"slow.S/M\" rpc.response.status_code=\"DEADLINE_EXCEEDED\" error.type=\"DEADLINE_EXCEEDED\" ERROR\n"
    );
    let [line] = &lines[..] else {
        panic!("{lines:?}")
    };
    assert!(
        line.contains("rpc.method=\"slow.S/M\" rpc.response.status_code=\"DEADLINE_EXCEEDED\"")
            && line.contains("telemetry.outcome=\"deadline_exceeded\""),
        "{line}"
    );
}
