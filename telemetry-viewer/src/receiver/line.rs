use prost::Message;

use super::json;
use super::signal::{Logs, Metrics, Signal, Traces};
use crate::store::Store;

/// Why a line was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError {
    #[error("it has none of resourceSpans, resourceMetrics and resourceLogs")]
    Unknown,
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Protobuf(#[from] prost::DecodeError),
}

/// Stores a request in JSON whose signal its first key tells; returns the path for it and how many items were refused.
pub(crate) fn add_json_line(store: &Store, line: &str) -> Result<(&'static str, u64), LineError> {
    let start = line.trim_start().trim_start_matches('{').trim_start();
    if start.starts_with("\"resourceSpans\"") {
        Ok(("/v1/traces", add::<Traces>(store, line)?))
    } else if start.starts_with("\"resourceMetrics\"") {
        Ok(("/v1/metrics", add::<Metrics>(store, line)?))
    } else if start.starts_with("\"resourceLogs\"") {
        Ok(("/v1/logs", add::<Logs>(store, line)?))
    } else {
        Err(LineError::Unknown)
    }
}

fn add<S: Signal>(store: &Store, line: &str) -> Result<u64, LineError> {
    let protobuf = json::to_protobuf(S::schema(), line.as_bytes())?;
    Ok(S::add(store, S::Request::decode(protobuf.as_slice())?))
}
