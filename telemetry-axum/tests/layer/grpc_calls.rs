//! Deadlines, gRPC-Web, metadata and the status message of gRPC calls.

use std::{net::SocketAddr, time::Duration};

use axum::body::Bytes;
use http::HeaderName;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_client::TraceServiceClient,
    trace_service_server::{TraceService, TraceServiceServer},
};
use tokio::net::TcpListener;
use tonic::{Request as Call, Response as Answer, Status, transport::server::TcpIncoming};

use super::{
    grpc::{answered, call},
    *,
};

/// Never answers.
struct Stuck;

#[tonic::async_trait]
impl TraceService for Stuck {
    async fn export(
        &self,
        _: Call<ExportTraceServiceRequest>,
    ) -> Result<Answer<ExportTraceServiceResponse>, Status> {
        std::future::pending().await
    }
}

const METHOD: &str = "opentelemetry.proto.collector.trace.v1.TraceService/Export";

async fn stuck(layer: TelemetryLayer, timeout: Option<Duration>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tonic::transport::Server::builder();
    let server = match timeout {
        Some(timeout) => server.timeout(timeout),
        None => server,
    };
    let server = server
        .layer(layer.with_grpc_methods([METHOD]))
        .add_service(TraceServiceServer::new(Stuck));
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    address
}

async fn client(address: SocketAddr) -> TraceServiceClient<tonic::transport::Channel> {
    let endpoint = tonic::transport::Endpoint::try_from(format!("http://{address}")).unwrap();
    TraceServiceClient::new(endpoint.connect().await.unwrap())
}

fn export() -> Call<ExportTraceServiceRequest> {
    Call::new(ExportTraceServiceRequest::default())
}

const SHOWN: [&str; 3] = [
    "rpc.response.status_code",
    "error.type",
    "telemetry.outcome",
];

const EXCEEDED: &str = "rpc.response.status_code=\"DEADLINE_EXCEEDED\" error.type=\"DEADLINE_EXCEEDED\" telemetry.outcome=\"deadline_exceeded\" ERROR";

#[tokio::test]
async fn the_deadline_of_the_caller_is_an_error_of_the_server() {
    let telemetry = TestTelemetry::new();
    let layer = TelemetryLayer::new().with_providers(telemetry.providers().clone());
    let address = stuck(layer, None).await;
    let mut call = export();
    call.set_timeout(Duration::from_millis(100));
    client(address).await.export(call).await.unwrap_err();
    telemetry.wait_for_spans(1).await;
    assert_eq!(
        telemetry.tree(&SHOWN),
        format!("SERVER {METHOD} {EXCEEDED}\n")
    );
    let metrics = telemetry.metrics();
    assert!(
        metrics.contains("error_type=\"DEADLINE_EXCEEDED\""),
        "{metrics}"
    );
}

#[tokio::test]
async fn the_timeout_of_the_server_is_known_by_an_option() {
    let telemetry = TestTelemetry::new();
    let timeout = Duration::from_millis(100);
    let layer = TelemetryLayer::new().with_providers(telemetry.providers().clone());
    let address = stuck(layer.with_grpc_timeout(timeout), Some(timeout)).await;
    client(address).await.export(export()).await.unwrap_err();
    telemetry.wait_for_spans(1).await;
    assert_eq!(
        telemetry.tree(&SHOWN),
        format!("SERVER {METHOD} {EXCEEDED}\n")
    );
}

#[tokio::test]
async fn a_caller_that_leaves_before_its_deadline_has_cancelled() {
    let telemetry = TestTelemetry::new();
    let layer = TelemetryLayer::new().with_providers(telemetry.providers().clone());
    let address = stuck(layer, None).await;
    let mut call = export();
    call.set_timeout(Duration::from_secs(600));
    let mut client = client(address).await;
    let left = tokio::time::timeout(Duration::from_millis(200), client.export(call)).await;
    assert!(left.is_err());
    telemetry.wait_for_spans(1).await;
    assert_eq!(
        telemetry.tree(&SHOWN),
        format!(
            "SERVER {METHOD} rpc.response.status_code=\"CANCELLED\" telemetry.outcome=\"client_disconnected\"\n"
        )
    );
}

/// A body of gRPC-Web: a message, and the trailers as its last frame.
fn web_body(status: &str) -> Vec<u8> {
    let trailers = format!("grpc-status:{status}\r\ngrpc-message:no%20such%20order\r\n");
    let mut body = vec![0, 0, 0, 0, 2, 1, 2, 0x80, 0, 0, 0];
    body.push(u8::try_from(trailers.len()).unwrap());
    body.extend_from_slice(trailers.as_bytes());
    body
}

#[tokio::test]
async fn a_call_of_grpc_web_has_the_status_of_its_last_frame() {
    let telemetry = TestTelemetry::new();
    // The Base64 of `web_body("5")`.
    let text = "AAAAAAIBAoAAAAAvZ3JwYy1zdGF0dXM6NQ0KZ3JwYy1tZXNzYWdlOm5vJTIwc3VjaCUyMG9yZGVyDQo=";
    for (kind, body) in [
        ("application/grpc-web+proto", web_body("5")),
        ("application/grpc-web-text", text.as_bytes().to_vec()),
    ] {
        let answer = move || {
            let parts: Vec<_> = body.chunks(7).map(Bytes::copy_from_slice).collect();
            let parts = parts.into_iter().map(Ok::<_, std::convert::Infallible>);
            let body = Body::from_stream(futures_util::stream::iter(parts));
            let answer = Response::builder().header("content-type", kind);
            answer.body(body).unwrap()
        };
        answered(&telemetry, |layer| layer, call(kind, "/a.B/C"), answer).await;
        assert_eq!(
            telemetry.tree(&[
                "rpc.method",
                "rpc.response.status_code",
                "http.request.method"
            ]),
            "SERVER a.B/C rpc.method=\"a.B/C\" rpc.response.status_code=\"NOT_FOUND\"\n",
            "{kind}"
        );
        telemetry.reset();
    }
    // An answer without a message has its status in the head.
    let answer = || {
        let answer = Response::builder()
            .header("content-type", "application/grpc-web")
            .header("grpc-status", "13");
        answer.body(Body::empty()).unwrap()
    };
    let request = call("application/grpc-web", "/a.B/C");
    answered(&telemetry, |layer| layer, request, answer).await;
    assert_eq!(
        telemetry.tree(&["rpc.response.status_code", "error.type"]),
        "SERVER a.B/C rpc.response.status_code=\"INTERNAL\" error.type=\"INTERNAL\" ERROR\n"
    );
}

#[tokio::test]
async fn metadata_and_the_status_message_are_on_the_span() {
    let telemetry = TestTelemetry::new();
    let answer = || {
        let answer = Response::builder()
            .header("grpc-status", "13")
            .header("x-shard", "7")
            .header(
                "grpc-message",
                "no%20answer%20of%20https://a.example/?sig=secret",
            );
        answer.body(Body::empty()).unwrap()
    };
    let mut request = call("application/grpc", "/a.B/C");
    let headers = request.headers_mut();
    headers.insert("x-tenant", http::HeaderValue::from_static("blue"));
    headers.insert("authorization", http::HeaderValue::from_static("Bearer x"));
    let options = |layer: TelemetryLayer| {
        let requested = ["x-tenant", "authorization"].map(HeaderName::from_static);
        layer
            .with_captured_request_headers(requested)
            .with_captured_response_headers([HeaderName::from_static("x-shard")])
    };
    answered(&telemetry, options, request, answer).await;
    let shown = [
        "rpc.request.metadata.x-tenant",
        "rpc.request.metadata.authorization",
        "rpc.response.metadata.x-shard",
        "rpc.response.metadata.grpc-message",
        "http.response.header.x-shard",
    ];
    assert_eq!(
        telemetry.tree(&shown),
        "SERVER a.B/C rpc.request.metadata.x-tenant=[\"blue\"] rpc.request.metadata.authorization=[\"REDACTED\"] rpc.response.metadata.x-shard=[\"7\"] rpc.response.metadata.grpc-message=[\"no answer of https://a.example/?sig=REDACTED\"] ERROR\n"
    );
}

#[tokio::test]
async fn options_without_effect_on_calls_are_named_once() {
    let telemetry = TestTelemetry::new();
    let _current = telemetry.set_default();
    let layer = TelemetryLayer::new()
        .with_providers(telemetry.providers().clone())
        .with_grpc()
        .with_body_sizes();
    let app = Router::new().layer(layer);
    let warnings = || {
        let logs = telemetry.logs();
        let warnings = logs.iter().filter(|log| log.message.contains("no effect"));
        warnings
            .map(|log| format!("{:?}", log.field("options")))
            .collect::<Vec<_>>()
    };
    send(&app, get("/")).await;
    assert_eq!(warnings().len(), 0);
    for _ in 0..2 {
        send(&app, call("application/grpc", "/a.B/C")).await;
    }
    let all = warnings();
    assert!(
        all.len() == 1 && all[0].contains("with_body_sizes"),
        "{all:?}"
    );
}
