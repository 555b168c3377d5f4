//! Takes telemetry in, over both protocols of OTLP.

mod grpc;
mod http;

pub(crate) use grpc::router as grpc_router;
pub(crate) use http::router as http_router;

/// The largest request taken, before and after decompression. The SDKs send at most some hundred
/// items at a time, far below it; and a decoded message can be many times as large as its bytes.
const MAX_REQUEST_BYTES: usize = 8 * 1024 * 1024;

/// What to tell a sender when `count` of its items were not taken.
fn refusal(count: u64) -> String {
    format!("{count} item(s) were malformed or larger than the store allows")
}
