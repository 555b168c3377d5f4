//! A gRPC collector for traces, on a runtime and thread of its own.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    thread,
    time::Instant,
};

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_server::{TraceService, TraceServiceServer},
};
use tonic::{
    Request, Response, Status,
    codec::CompressionEncoding,
    transport::{Server, ServerTlsConfig, server::TcpIncoming},
};

use crate::collector::span_names;

type Answer = Result<ExportTraceServiceResponse, Status>;
type Behaviour = dyn Fn(&Received, usize) -> Answer + Send + Sync;

#[derive(Clone)]
pub(crate) struct Collector {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    answer: Arc<Behaviour>,
}

#[derive(Clone)]
pub(crate) struct Received {
    pub(crate) request: ExportTraceServiceRequest,
    pub(crate) encoding: Option<String>,
    pub(crate) header: Option<String>,
    pub(crate) at: Instant,
}

impl Collector {
    pub(crate) fn start(
        tls: Option<ServerTlsConfig>,
        answer: impl Fn(&Received, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let incoming = {
            let _runtime = runtime.enter();
            TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap()
        };
        let collector = Self {
            address: incoming.local_addr().unwrap(),
            received: Arc::default(),
            answer: Arc::new(answer),
        };
        let service = TraceServiceServer::new(collector.clone())
            .accept_compressed(CompressionEncoding::Gzip)
            .accept_compressed(CompressionEncoding::Zstd);
        thread::spawn(move || {
            let mut server = Server::builder();
            if let Some(tls) = tls {
                server = server.tls_config(tls).unwrap();
            }
            runtime
                .block_on(server.add_service(service).serve_with_incoming(incoming))
                .unwrap();
        });
        collector
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn https(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub(crate) fn spans(&self) -> Vec<String> {
        self.received()
            .iter()
            .flat_map(|one| span_names(&one.request))
            .collect()
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let header = |name| {
            let value = request.metadata().get(name);
            value
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let received = Received {
            encoding: header("grpc-encoding"),
            header: header("x-key"),
            request: request.get_ref().clone(),
            at: Instant::now(),
        };
        let before = {
            let mut all = self.received.lock().unwrap();
            all.push(received.clone());
            all.len() - 1
        };
        (self.answer)(&received, before).map(Response::new)
    }
}
