#![doc = include_str!("../README.md")]

#[path = "response/access_log.rs"]
mod access_log;
#[path = "metrics/active_requests.rs"]
mod active;
#[path = "request/incoming_request.rs"]
mod attributes;
#[path = "response_body.rs"]
mod body;
#[path = "server/connections.rs"]
mod connections;
#[path = "request/correlation_headers.rs"]
mod correlation;
#[path = "metrics/request_group.rs"]
mod endpoint;
#[path = "response/exception_log.rs"]
mod exception;
#[path = "response_future.rs"]
mod future;
#[cfg(feature = "grpc")]
#[path = "grpc/grpc_call.rs"]
mod grpc;
#[cfg(not(feature = "grpc"))]
#[path = "without_grpc.rs"]
mod grpc;
#[path = "request_guard.rs"]
mod guard;
#[path = "options/captured_headers.rs"]
mod headers;
#[path = "server/readiness.rs"]
mod health;
#[path = "handler/identify.rs"]
mod identity;
#[path = "options/known_servers.rs"]
mod known_servers;
mod layer;
#[path = "metrics/request_metrics.rs"]
mod metrics;
#[path = "options/network.rs"]
mod network;
#[path = "handler/operation_name.rs"]
mod operation;
#[path = "server/operations_routes.rs"]
mod operations;
mod options;
#[path = "request/forwarded.rs"]
mod origin;
#[path = "request/counted_body.rs"]
mod request_body;
#[path = "server/graceful_serve.rs"]
mod serve;
mod service;
#[path = "response/trace_headers.rs"]
mod trace_headers;

pub use body::ResponseBody;
pub use correlation::Correlation;
pub use future::ResponseFuture;
pub use health::Health;
pub use identity::{Identified, identify};
pub use layer::TelemetryLayer;
pub use network::{InvalidNetwork, Network};
pub use operation::Operation;
pub use operations::Operations;
pub use origin::ProxyHeaders;
pub use serve::{Serve, serve};
pub use service::TelemetryService;
