use std::net::SocketAddr;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_client::TraceServiceClient,
    trace_service_server::{TraceService, TraceServiceServer},
};
use tokio::net::TcpListener;
use tonic::{Code, Request as Call, Response as Answer, Status, transport::server::TcpIncoming};

use super::*;

/// Answers as the `answer` metadata asks.
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

/// A call of a method that does not exist.
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
