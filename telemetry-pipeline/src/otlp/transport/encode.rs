//! Requests to bytes, and the collector's answer from bytes.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest,
    metrics::v1::ExportMetricsServiceRequest,
    trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
};
use prost::Message;
use serde_json::Value;

use super::{Accepted, ExportError, one_line};
use crate::otlp::endpoint::Protocol;

/// The request of one signal.
pub(crate) trait Request: Message + serde::Serialize {
    /// The signal in names of variables.
    const SIGNAL: &'static str;
    const GRPC_PATH: &'static str;
}

impl Request for ExportTraceServiceRequest {
    const SIGNAL: &'static str = "TRACES";
    const GRPC_PATH: &'static str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
}

impl Request for ExportMetricsServiceRequest {
    const SIGNAL: &'static str = "METRICS";
    const GRPC_PATH: &'static str =
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
}

impl Request for ExportLogsServiceRequest {
    const SIGNAL: &'static str = "LOGS";
    const GRPC_PATH: &'static str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
}

pub(crate) fn encode<R: Request>(request: &R, protocol: Protocol) -> Result<Bytes, ExportError> {
    match protocol {
        Protocol::HttpJson => serde_json::to_vec(request)
            .map(Bytes::from)
            .map_err(|error| ExportError::fatal(error.to_string())),
        _ => Ok(request.encode_to_vec().into()),
    }
}

/// `google.rpc.Status`, as far as it is of interest.
#[derive(prost::Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
}

/// The answer as protobuf. A proxy may answer with a body of its own: the request was accepted all the same.
pub(crate) fn answer(body: &[u8]) -> Accepted {
    // The answers of the three signals differ in names only.
    let partial = ExportTraceServiceResponse::decode(body)
        .ok()
        .and_then(|answer| answer.partial_success);
    partial.map_or_else(Accepted::default, |partial| Accepted {
        rejected: u64::try_from(partial.rejected_spans).unwrap_or(0),
        message: one_line(&partial.error_message),
        ..Accepted::default()
    })
}

/// The answer as JSON, where a 64-bit number may be a string.
pub(crate) fn json_answer(body: &[u8]) -> Accepted {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let partial = &body["partialSuccess"];
    let rejected = ["rejectedSpans", "rejectedDataPoints", "rejectedLogRecords"]
        .into_iter()
        .find_map(|name| match &partial[name] {
            Value::String(text) => text.parse().ok(),
            number => number.as_u64(),
        });
    Accepted {
        rejected: rejected.unwrap_or(0),
        message: one_line(partial["errorMessage"].as_str().unwrap_or_default()),
        ..Accepted::default()
    }
}

/// What a failed request's answer says: a `google.rpc.Status` in the request's own encoding.
pub(crate) fn failure(body: &[u8], content_type: &str) -> String {
    let message = if content_type.starts_with("application/x-protobuf") {
        Status::decode(body).map(|status| status.message).ok()
    } else if content_type.starts_with("application/json") {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        body["message"].as_str().map(str::to_owned)
    } else {
        None
    };
    one_line(&message.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_answer_may_hold_its_number_as_a_string() {
        for number in ["3", "\"3\""] {
            let body = format!(
                r#"{{"partialSuccess":{{"rejectedLogRecords":{number},"errorMessage":"too\nold"}}}}"#
            );
            let accepted = json_answer(body.as_bytes());
            assert_eq!(
                (accepted.rejected, accepted.message.as_str()),
                (3, "too old")
            );
        }
    }

    #[test]
    fn an_answer_that_is_none_accepts_everything() {
        for body in ["", "{}", "<html>", "null", "[]"] {
            assert_eq!(json_answer(body.as_bytes()), Accepted::default(), "{body}");
            assert_eq!(answer(body.as_bytes()), Accepted::default(), "{body}");
        }
    }
}
