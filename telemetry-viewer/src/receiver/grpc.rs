use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{
    LogsService, LogsServiceServer,
};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tonic::codec::CompressionEncoding::Gzip;
use tonic::transport::Server;
use tonic::transport::server::Router;
use tonic::{Request, Response, Status};

use super::{MAX_REQUEST_BYTES, refusal};
use crate::store::Store;

/// The three OTLP services on one store.
pub(crate) fn router(store: &Store) -> Router {
    let receiver = Receiver(store.clone());
    Server::builder()
        .add_service(
            TraceServiceServer::new(receiver.clone())
                .accept_compressed(Gzip)
                .max_decoding_message_size(MAX_REQUEST_BYTES),
        )
        .add_service(
            MetricsServiceServer::new(receiver.clone())
                .accept_compressed(Gzip)
                .max_decoding_message_size(MAX_REQUEST_BYTES),
        )
        .add_service(
            LogsServiceServer::new(receiver)
                .accept_compressed(Gzip)
                .max_decoding_message_size(MAX_REQUEST_BYTES),
        )
}

#[derive(Clone)]
struct Receiver(Store);

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let refused = self.0.add_traces(request.into_inner());
        Ok(Response::new(trace_response(refused)))
    }
}

#[tonic::async_trait]
impl MetricsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let refused = self.0.add_metrics(request.into_inner());
        Ok(Response::new(metrics_response(refused)))
    }
}

#[tonic::async_trait]
impl LogsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let refused = self.0.add_logs(request.into_inner());
        Ok(Response::new(logs_response(refused)))
    }
}

pub(super) fn trace_response(refused: u64) -> ExportTraceServiceResponse {
    ExportTraceServiceResponse {
        partial_success: (refused > 0).then(|| ExportTracePartialSuccess {
            rejected_spans: signed(refused),
            error_message: refusal(refused),
        }),
    }
}

pub(super) fn metrics_response(refused: u64) -> ExportMetricsServiceResponse {
    ExportMetricsServiceResponse {
        partial_success: (refused > 0).then(|| ExportMetricsPartialSuccess {
            rejected_data_points: signed(refused),
            error_message: refusal(refused),
        }),
    }
}

pub(super) fn logs_response(refused: u64) -> ExportLogsServiceResponse {
    ExportLogsServiceResponse {
        partial_success: (refused > 0).then(|| ExportLogsPartialSuccess {
            rejected_log_records: signed(refused),
            error_message: refusal(refused),
        }),
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
