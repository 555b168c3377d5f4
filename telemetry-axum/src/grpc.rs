//! gRPC calls by the RPC conventions, instead of the HTTP requests that carry them.
//!
//! Source: OpenTelemetry semantic conventions 1.44, gRPC (release candidate).

pub(crate) mod grpc_call;
pub(crate) mod grpc_status;
