//! gRPC calls by the RPC conventions, instead of the HTTP requests that carry them.
//!
//! Source: OpenTelemetry semantic conventions 1.44, gRPC (release candidate).

mod content_kind;
mod deadline;
pub(crate) mod grpc_call;
mod grpc_status;
mod status_message;
mod web_trailers;
