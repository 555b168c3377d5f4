use std::net::SocketAddr;

use axum::Router;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_client::TraceServiceClient,
    trace_service_server::{TraceService, TraceServiceServer},
};
use tokio::net::TcpListener;
use tonic::{Code, Request as Call, Response as Answer, Status, transport::server::TcpIncoming};

use http_body_util::BodyExt as _;

use super::*;

/// Answers with the status that the metadata `answer` names.
struct Collector;

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        call: Call<ExportTraceServiceRequest>,
    ) -> Result<Answer<ExportTraceServiceResponse>, Status> {
        match call
            .metadata()
            .get("answer")
            .map(|answer| answer.as_bytes())
        {
            Some(b"internal") => Err(Status::internal("broken")),
            Some(b"not-found") => Err(Status::not_found("nothing")),
            _ => Ok(Answer::new(ExportTraceServiceResponse::default())),
        }
    }
}

async fn served(layer: TelemetryLayer) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tonic::transport::Server::builder()
        .layer(layer)
        .add_service(TraceServiceServer::new(Collector));
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    address
}

async fn export(address: SocketAddr, answer: &str) -> Option<Code> {
    let channel = tonic::transport::Endpoint::try_from(format!("http://{address}"))
        .unwrap()
        .connect()
        .await
        .unwrap();
    let mut call = Call::new(ExportTraceServiceRequest::default());
    call.metadata_mut()
        .insert("answer", answer.parse().unwrap());
    let answer = TraceServiceClient::new(channel).export(call).await;
    answer.err().map(|status| status.code())
}

/// Calls a method that does not exist.
async fn unknown(address: SocketAddr) {
    let connection = tokio::net::TcpStream::connect(address).await.unwrap();
    let (client, connection) = h2::client::handshake(connection).await.unwrap();
    tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let request = Request::post("http://shop/no.Such/Method")
        .header("content-type", "application/grpc")
        .body(())
        .unwrap();
    let (response, _) = client.send_request(request, true).unwrap();
    response.await.unwrap();
}

const SHOWN: [&str; 6] = [
    "rpc.system.name",
    "rpc.method",
    "rpc.method_original",
    "rpc.response.status_code",
    "error.type",
    "http.request.method",
];

#[tokio::test]
async fn grpc_calls_follow_the_rpc_conventions_and_not_those_of_http() {
    let telemetry = TestTelemetry::new();
    let layer = TelemetryLayer::new().with_providers(telemetry.providers().clone());
    let address = served(layer.with_grpc()).await;
    assert_eq!(export(address, "ok").await, None);
    assert_eq!(export(address, "internal").await, Some(Code::Internal));
    assert_eq!(export(address, "not-found").await, Some(Code::NotFound));
    unknown(address).await;
    let method = "opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let shown = format!("rpc.system.name=\"grpc\" rpc.method=\"{method}\"");
    let expected = format!(
        r#"SERVER {method} {shown} rpc.response.status_code="OK"
SERVER {method} {shown} rpc.response.status_code="INTERNAL" error.type="INTERNAL" ERROR
SERVER {method} {shown} rpc.response.status_code="NOT_FOUND"
SERVER grpc rpc.system.name="grpc" rpc.method="_OTHER" rpc.method_original="no.Such/Method" rpc.response.status_code="UNIMPLEMENTED" error.type="UNIMPLEMENTED" ERROR
"#
    );
    telemetry.wait_for_spans(4).await;
    assert_eq!(telemetry.tree(&SHOWN), expected);

    let metrics = telemetry.metrics();
    let ok = format!(
        r#"rpc_server_call_duration_seconds_count{{rpc_method="{method}",rpc_response_status_code="OK",rpc_system_name="grpc"}} 1"#
    );
    let other = r#"rpc_server_call_duration_seconds_count{error_type="UNIMPLEMENTED",rpc_method="_OTHER",rpc_response_status_code="UNIMPLEMENTED",rpc_system_name="grpc"} 1"#;
    assert!(
        metrics.contains(&ok) && metrics.contains(other),
        "{metrics}"
    );
    assert!(!metrics.contains("http_server"), "{metrics}");
}

#[tokio::test]
async fn a_list_of_methods_decides_which_exist() {
    let telemetry = TestTelemetry::new();
    let layer = TelemetryLayer::new().with_providers(telemetry.providers().clone());
    let address = served(layer.with_grpc_methods(["only.This/One"])).await;
    assert_eq!(export(address, "ok").await, None);
    telemetry.wait_for_spans(1).await;
    let tree = telemetry.tree(&["rpc.method", "rpc.response.status_code"]);
    assert_eq!(
        tree,
        "SERVER grpc rpc.method=\"_OTHER\" rpc.response.status_code=\"OK\"\n"
    );
}

#[tokio::test]
async fn without_the_option_a_call_is_the_http_request_it_is_on_the_wire() {
    let telemetry = TestTelemetry::new();
    let layer = TelemetryLayer::new().with_providers(telemetry.providers().clone());
    let address = served(layer).await;
    assert_eq!(export(address, "ok").await, None);
    telemetry.wait_for_spans(1).await;
    let tree = telemetry.tree(&["http.request.method", "rpc.method"]);
    assert_eq!(tree, "SERVER POST http.request.method=\"POST\"\n");
}

/// Sends a call to a server that gives this answer.
pub(crate) async fn answered(
    telemetry: &TestTelemetry,
    options: impl FnOnce(TelemetryLayer) -> TelemetryLayer,
    request: Request<Body>,
    answer: impl Fn() -> Response<Body> + Clone + Send + Sync + 'static,
) {
    let layer = TelemetryLayer::new().with_providers(telemetry.providers().clone());
    let app = Router::new().fallback(move || async move { answer() });
    send(&app.layer(options(layer.with_grpc())), request).await;
}

pub(crate) fn call(kind: &str, path: &str) -> Request<Body> {
    let call = Request::post(path).header("content-type", kind);
    call.body(Body::empty()).unwrap()
}

fn status(status: u16) -> Response<Body> {
    let answer = Response::builder().status(status);
    answer.body(Body::from("no such call")).unwrap()
}

#[tokio::test]
async fn only_grpc_and_grpc_web_are_grpc() {
    let telemetry = TestTelemetry::new();
    for kind in [
        "application/grpc",
        "application/grpc+proto",
        "application/grpc;v=1",
        "application/grpc-web",
        "application/grpc-web+proto",
        "application/grpc-web-text",
        "application/grpcs",
        "application/grpc-webs",
        "application/grpc-web-texts",
    ] {
        answered(
            &telemetry,
            |layer| layer,
            call(kind, "/a.B/C"),
            || status(200),
        )
        .await;
    }
    let calls = "SERVER grpc ERROR\n".repeat(6) + &"SERVER POST\n".repeat(3);
    assert_eq!(telemetry.tree(&[]), calls);
}

#[tokio::test]
async fn a_call_that_no_grpc_service_answered_has_no_name_that_its_caller_chose() {
    let telemetry = TestTelemetry::new();
    for (http, expected) in [
        (200, "UNKNOWN"),
        (400, "INTERNAL"),
        (401, "UNAUTHENTICATED"),
        (403, "PERMISSION_DENIED"),
        (404, "UNIMPLEMENTED"),
        (418, "UNKNOWN"),
        (429, "UNAVAILABLE"),
        (502, "UNAVAILABLE"),
        (503, "UNAVAILABLE"),
        (504, "UNAVAILABLE"),
    ] {
        let path = format!("/{}", "x".repeat(5_000));
        let request = call("application/grpc", &path);
        answered(&telemetry, |layer| layer, request, move || status(http)).await;
        let spans = telemetry.spans();
        let [span] = &spans[..] else {
            panic!("{spans:?}")
        };
        let value = |key: &str| {
            let found = span.attributes.iter().find(|a| a.key.as_str() == key);
            found.map(|a| a.value.to_string()).unwrap_or_default()
        };
        assert_eq!(
            (&*span.name, value("rpc.method").as_str()),
            ("grpc", "_OTHER")
        );
        assert_eq!(value("rpc.method_original").len(), 4096);
        assert_eq!(value("rpc.response.status_code"), expected, "{http}");
        assert!(!telemetry.metrics().contains("xxx"));
        telemetry.reset();
    }
}

#[tokio::test]
async fn a_call_lasts_until_its_trailers_whatever_length_it_promised() {
    let telemetry = TestTelemetry::new();
    let answer = || {
        let trailers = http::HeaderMap::from_iter([(
            http::HeaderName::from_static("grpc-status"),
            http::HeaderValue::from_static("0"),
        )]);
        let whole = http_body_util::Full::new(axum::body::Bytes::from("five!"));
        let body = whole.with_trailers(std::future::ready(Some(Ok(trailers))));
        Response::new(Body::new(body))
    };
    let request = call("application/grpc", "/a.B/C");
    answered(&telemetry, |layer| layer, request, answer).await;
    assert_eq!(
        telemetry.tree(&["rpc.response.status_code", "error.type"]),
        "SERVER a.B/C rpc.response.status_code=\"OK\"\n"
    );
}

#[tokio::test]
async fn a_stream_that_its_caller_leaves_is_known_by_its_method() {
    let telemetry = TestTelemetry::new();
    let layer = TelemetryLayer::new().with_providers(telemetry.providers().clone());
    let endless = || async {
        let body = Body::from_stream(futures_util::stream::pending::<
            Result<axum::body::Bytes, std::io::Error>,
        >());
        ([("content-type", "application/grpc")], body)
    };
    let app = Router::new().fallback(endless).layer(layer.with_grpc());
    let request = call("application/grpc", "/a.B/Watch");
    drop(app.oneshot(request).await.unwrap());
    assert_eq!(
        telemetry.tree(&["rpc.method", "rpc.response.status_code"]),
        "SERVER a.B/Watch rpc.method=\"a.B/Watch\" rpc.response.status_code=\"CANCELLED\"\n"
    );
    assert!(telemetry.metrics().contains("rpc_method=\"a.B/Watch\""));
}

#[tokio::test]
async fn the_access_line_of_a_call_names_its_method_and_its_status() {
    let telemetry = TestTelemetry::new();
    let lines = super::logs::logged(async {
        let answer = || {
            let answer = Response::builder().header("grpc-status", "5");
            answer.body(Body::empty()).unwrap()
        };
        let request = call("application/grpc", "/a.B/C");
        answered(&telemetry, TelemetryLayer::with_access_log, request, answer).await;
    })
    .await;
    let line = r#"INFO rpc.server.call message="call" rpc.system.name="grpc" rpc.method="a.B/C" rpc.response.status_code="NOT_FOUND" http.request.body.size=0 http.response.body.size=0 telemetry.outcome="completed" duration=.. |"#;
    assert!(lines.len() == 1 && lines[0].starts_with(line), "{lines:?}");
}
