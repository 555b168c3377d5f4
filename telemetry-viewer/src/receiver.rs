//! Takes telemetry in, over both protocols of OTLP.

mod body;
mod grpc;
mod http;
mod json;
mod line;
mod schema;
mod signal;
mod weight;

pub(crate) use grpc::router as grpc_router;
pub(crate) use http::router as http_router;
pub(crate) use line::{LineError, add_json_line};

/// The largest request taken, before and after decompression. The SDKs send at most some hundred
/// items at a time, far below it; and a decoded message can be many times as large as its bytes.
const MAX_REQUEST_BYTES: usize = 8 * 1024 * 1024;
