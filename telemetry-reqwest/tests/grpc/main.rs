//! The layer around a tonic channel against a real tonic server on loopback, with telemetry in memory.

// Clippy's `allow-*-in-tests` covers test functions, not their helpers.
#![cfg(feature = "grpc")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod echo;
mod signals;

use std::{panic::AssertUnwindSafe, time::Duration};

use echo::{EchoClient, serve};
use futures_util::FutureExt as _;
use opentelemetry::{
    Context, KeyValue,
    baggage::BaggageExt as _,
    trace::{FutureExt as _, SpanKind, TraceContextExt as _},
};
use telemetry_api::CorrelationId;
use telemetry_pipeline::testing::TestTelemetry;
use telemetry_reqwest::{
    Hosts,
    grpc::{GrpcLayer, GrpcService},
};
use tokio::net::TcpListener;
use tonic::{Code, transport::Channel};
use tower::{Service as _, ServiceBuilder, service_fn};

const SHOWN: [&str; 4] = [
    "rpc.method_original",
    "rpc.response.status_code",
    "error.type",
    "telemetry.outcome",
];

fn client(telemetry: &TestTelemetry, target: &str) -> EchoClient<GrpcService<Channel>> {
    let layer = GrpcLayer::new(target).with_providers(telemetry.providers().clone());
    layered(layer, target)
}

fn layered(layer: GrpcLayer, target: &str) -> EchoClient<GrpcService<Channel>> {
    let channel = Channel::from_shared(target.to_owned()).unwrap();
    EchoClient::new(
        ServiceBuilder::new()
            .layer(layer)
            .service(channel.connect_lazy()),
    )
}

#[tokio::test]
async fn a_unary_call_is_a_client_span_whose_context_travels() {
    let (telemetry, target) = (TestTelemetry::new(), serve().await);
    let scope = opentelemetry::InstrumentationScope::builder("t").build();
    let tracer = telemetry.providers().tracer(scope);
    let request = tracer.start(&Context::new(), "GET /", SpanKind::Server, Vec::new);
    let cx = CorrelationId::parse("abc-123")
        .unwrap()
        .attach_to(&request)
        .with_baggage([KeyValue::new("role", "buyer")]);
    let mut client = client(&telemetry, &target);
    let metadata = client.unary("metadata").with_context(cx).await.unwrap();
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
        assert!(metadata.contains(&line), "{line} in {metadata}");
    }
    let port = target.rsplit_once(':').unwrap().1;
    let shown = [
        "rpc.system.name",
        "rpc.method",
        "rpc.response.status_code",
        "server.address",
        "server.port",
        "error.type",
    ];
    assert_eq!(
        telemetry.tree(&shown),
        format!(
            "SERVER GET /\n  CLIENT test.Echo/Unary rpc.system.name=\"grpc\" rpc.method=\"test.Echo/Unary\" \
             rpc.response.status_code=\"OK\" server.address=\"127.0.0.1\" server.port={port}\n"
        )
    );
    let series = format!(
        "rpc_client_call_duration_seconds_count{{rpc_method=\"test.Echo/Unary\",rpc_response_status_code=\"OK\",\
         rpc_system_name=\"grpc\",server_address=\"127.0.0.1\",server_port=\"{port}\"}}"
    );
    assert_eq!(
        telemetry.metric(&series),
        Some(1.0),
        "{}",
        telemetry.metrics()
    );
}

#[tokio::test]
async fn a_stream_is_one_span_to_its_end_and_has_the_status_of_its_trailers() {
    let (telemetry, target) = (TestTelemetry::new(), serve().await);
    let mut client = client(&telemetry, &target);
    let mut stream = client.stream("three").await.unwrap();
    for n in 0..3 {
        assert!(telemetry.spans().is_empty());
        assert_eq!(stream.message().await.unwrap(), Some(n.to_string()));
    }
    assert_eq!(stream.message().await.unwrap(), None);
    let mut stream = client.stream("break").await.unwrap();
    assert!(stream.message().await.unwrap().is_some());
    let status = stream.message().await.unwrap_err();
    assert_eq!(status.code(), Code::DataLoss);
    assert_eq!(
        telemetry.tree(&SHOWN),
        r#"CLIENT test.Echo/Stream rpc.response.status_code="OK"
CLIENT test.Echo/Stream rpc.response.status_code="DATA_LOSS" error.type="DATA_LOSS" ERROR
"#
    );
}

#[tokio::test]
async fn an_error_status_is_an_error_of_the_client_and_tells_no_message() {
    let (telemetry, target) = (TestTelemetry::new(), serve().await);
    let mut client = client(&telemetry, &target);
    let status = client.unary("missing").await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::NotFound, "secret")
    );
    let status = client.unknown().await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert_eq!(
        telemetry.tree(&SHOWN),
        r#"CLIENT test.Echo/Unary rpc.response.status_code="NOT_FOUND" error.type="NOT_FOUND" ERROR
CLIENT grpc rpc.method_original="test.Echo/Unknown" rpc.response.status_code="UNIMPLEMENTED" error.type="UNIMPLEMENTED" ERROR
"#
    );
    let metrics = telemetry.metrics();
    assert!(metrics.contains("rpc_method=\"_OTHER\"") && !metrics.contains("Unknown"));
    assert!(!format!("{:?}", telemetry.spans()).contains("secret"));
}

#[tokio::test]
async fn a_server_that_is_not_there_or_too_slow_has_a_bounded_error_type() {
    let telemetry = TestTelemetry::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let status = client(&telemetry, &nobody).unary("x").await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);

    let nowhere = "http://no-such-host.invalid:1";
    let status = client(&telemetry, nowhere).unary("x").await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);

    let target = serve().await;
    let slow = Channel::from_shared(target.clone())
        .unwrap()
        .timeout(Duration::from_millis(20))
        .connect_lazy();
    let layer = GrpcLayer::new(&target).with_providers(telemetry.providers().clone());
    let mut slow = EchoClient::new(ServiceBuilder::new().layer(layer).service(slow));
    let status = slow.unary("never").await.unwrap_err();
    assert_eq!(status.code(), Code::Cancelled);
    assert_eq!(
        telemetry.tree(&SHOWN),
        r#"CLIENT test.Echo/Unary rpc.response.status_code="UNAVAILABLE" error.type="connect" ERROR
CLIENT test.Echo/Unary rpc.response.status_code="UNAVAILABLE" error.type="dns" ERROR
CLIENT test.Echo/Unary rpc.response.status_code="CANCELLED" error.type="timeout" ERROR
"#
    );
}

#[tokio::test]
async fn a_call_or_stream_that_is_given_up_ends_unset() {
    let (telemetry, target) = (TestTelemetry::new(), serve().await);
    let mut client = client(&telemetry, &target);
    let call = client.unary("never");
    assert!(
        tokio::time::timeout(Duration::from_millis(20), call)
            .await
            .is_err()
    );
    let mut stream = client.stream("three").await.unwrap();
    assert!(stream.message().await.unwrap().is_some());
    drop(stream);
    assert_eq!(
        telemetry.tree(&SHOWN),
        r#"CLIENT test.Echo/Unary rpc.response.status_code="CANCELLED" telemetry.outcome="cancelled"
CLIENT test.Echo/Stream rpc.response.status_code="CANCELLED" telemetry.outcome="cancelled"
"#
    );
}

#[tokio::test]
async fn a_panic_below_is_an_error_and_not_a_call_that_was_given_up() {
    let telemetry = TestTelemetry::new();
    let layer = GrpcLayer::new("http://shop:50051").with_providers(telemetry.providers().clone());
    let mut broken = ServiceBuilder::new().layer(layer).service(service_fn(
        |_: http::Request<tonic::body::Body>| async {
            tokio::task::yield_now().await;
            unreachable!("a channel that panics")
                as Result<http::Response<tonic::body::Body>, tonic::Status>
        },
    ));
    let call = broken.call(http::Request::new(tonic::body::Body::empty()));
    assert!(AssertUnwindSafe(call).catch_unwind().await.is_err());
    assert_eq!(
        telemetry.tree(&SHOWN[1..]),
        "CLIENT grpc rpc.response.status_code=\"UNKNOWN\" error.type=\"panic\" telemetry.outcome=\"panicked\" ERROR\n"
    );
}

#[tokio::test]
async fn nothing_is_sent_to_a_target_that_is_not_allowed() {
    let (telemetry, target) = (TestTelemetry::new(), serve().await);
    for (hosts, sent) in [(Hosts::new(["127.0.0.1"]), true), (Hosts::none(), false)] {
        let layer = GrpcLayer::new(&target)
            .with_providers(telemetry.providers().clone())
            .with_propagation_to(&hosts);
        let metadata = layered(layer, &target).unary("metadata").await.unwrap();
        assert_eq!(metadata.contains("traceparent"), sent, "{metadata}");
        assert_eq!(metadata.contains("x-correlation-id"), sent, "{metadata}");
    }
}

#[tokio::test]
async fn without_a_pipeline_calls_pass_with_the_correlation_id() {
    let target = serve().await;
    let cx = CorrelationId::parse("abc-123")
        .unwrap()
        .attach_to(&Context::new());
    let mut client = layered(GrpcLayer::new(&target), &target);
    let metadata = client.unary("metadata").with_context(cx).await.unwrap();
    assert!(metadata.contains("x-correlation-id: abc-123") && !metadata.contains("traceparent"));
}
