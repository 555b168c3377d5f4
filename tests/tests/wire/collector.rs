//! A collector that keeps all that it receives over OTLP/HTTP as protobuf.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::IntoResponse,
};
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use prost::Message;
use tokio::net::TcpListener;

use crate::render;

/// All requests, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    pub(crate) traces: Vec<ExportTraceServiceRequest>,
    pub(crate) metrics: Vec<ExportMetricsServiceRequest>,
    pub(crate) logs: Vec<ExportLogsServiceRequest>,
    /// The path and headers of each request.
    pub(crate) requests: Vec<String>,
}

/// A running collector.
#[derive(Clone, Debug)]
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Received>>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let collector = Self {
            address: listener.local_addr().unwrap(),
            received: Arc::default(),
        };
        let router = Router::new()
            .fallback(export)
            .with_state(collector.received.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        collector
    }

    pub(crate) fn received(&self) -> Received {
        self.received.lock().unwrap().clone()
    }
}

async fn export(
    State(received): State<Arc<Mutex<Received>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let mut received = received.lock().unwrap();
    received
        .requests
        .push(render::request("POST", &uri, &headers));
    match uri.path() {
        "/v1/traces" => received.traces.push(Message::decode(body).unwrap()),
        "/v1/metrics" => received.metrics.push(Message::decode(body).unwrap()),
        "/v1/logs" => received.logs.push(Message::decode(body).unwrap()),
        path => panic!("{path} is no path of OTLP"),
    }
    // An empty body is an empty answer in protobuf.
    (StatusCode::OK, [("content-type", "application/x-protobuf")])
}
