//! The three signals of OTLP: how a request of each is read, stored and answered.

use axum::http::StatusCode;
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use serde::Serialize;

use super::body::{Refusal, reserve};
use super::schema::{self, LOGS, METRICS, TRACES};
use super::weight::weight;
use crate::store::Reservation;
use crate::store::Store;

/// One of the three signals.
pub(super) trait Signal: Clone + Send + Sync + 'static {
    /// The gRPC service.
    const SERVICE: &'static str;
    type Request: Message + Default;
    type Response: Message + Serialize + Default;

    fn schema() -> &'static schema::Message;

    /// Stores the items and returns how many were refused.
    fn add(store: &Store, request: Self::Request) -> u64;

    /// The answer if some items were refused.
    fn partial(refused: i64, message: String) -> Self::Response;
}

/// Reads a request in protobuf, stores it and answers it. Its memory is promised before it is decoded.
pub(super) fn take<S: Signal>(
    store: &Store,
    body: &[u8],
    reservation: &mut Reservation,
) -> Result<S::Response, Refusal> {
    reserve(store, reservation, weight(S::schema(), body))?;
    let request = S::Request::decode(body).map_err(|error| {
        let message = format!("body is not an OTLP protobuf request for this path: {error}");
        Refusal::new(StatusCode::BAD_REQUEST, message)
    })?;
    let refused = S::add(store, request);
    if refused == 0 {
        return Ok(S::Response::default());
    }
    let message = format!("{refused} item(s) were malformed or larger than the store allows");
    Ok(S::partial(
        i64::try_from(refused).unwrap_or(i64::MAX),
        message,
    ))
}

#[derive(Clone)]
pub(super) struct Traces;

impl Signal for Traces {
    const SERVICE: &'static str = "opentelemetry.proto.collector.trace.v1.TraceService";
    type Request = ExportTraceServiceRequest;
    type Response = ExportTraceServiceResponse;

    fn schema() -> &'static schema::Message {
        &TRACES
    }

    fn add(store: &Store, request: Self::Request) -> u64 {
        store.add_traces(request)
    }

    fn partial(rejected_spans: i64, error_message: String) -> Self::Response {
        let partial_success = Some(ExportTracePartialSuccess {
            rejected_spans,
            error_message,
        });
        ExportTraceServiceResponse { partial_success }
    }
}

#[derive(Clone)]
pub(super) struct Metrics;

impl Signal for Metrics {
    const SERVICE: &'static str = "opentelemetry.proto.collector.metrics.v1.MetricsService";
    type Request = ExportMetricsServiceRequest;
    type Response = ExportMetricsServiceResponse;

    fn schema() -> &'static schema::Message {
        &METRICS
    }

    fn add(store: &Store, request: Self::Request) -> u64 {
        store.add_metrics(request)
    }

    fn partial(rejected_data_points: i64, error_message: String) -> Self::Response {
        let partial_success = Some(ExportMetricsPartialSuccess {
            rejected_data_points,
            error_message,
        });
        ExportMetricsServiceResponse { partial_success }
    }
}

#[derive(Clone)]
pub(super) struct Logs;

impl Signal for Logs {
    const SERVICE: &'static str = "opentelemetry.proto.collector.logs.v1.LogsService";
    type Request = ExportLogsServiceRequest;
    type Response = ExportLogsServiceResponse;

    fn schema() -> &'static schema::Message {
        &LOGS
    }

    fn add(store: &Store, request: Self::Request) -> u64 {
        store.add_logs(request)
    }

    fn partial(rejected_log_records: i64, error_message: String) -> Self::Response {
        let partial_success = Some(ExportLogsPartialSuccess {
            rejected_log_records,
            error_message,
        });
        ExportLogsServiceResponse { partial_success }
    }
}
