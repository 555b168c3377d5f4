#![doc = include_str!("../README.md")]

mod access_log;
mod active;
mod attributes;
mod body;
mod connections;
mod correlation;
mod endpoint;
mod exception;
mod future;
#[cfg(feature = "grpc")]
mod grpc;
#[cfg(not(feature = "grpc"))]
#[path = "without_grpc.rs"]
mod grpc;
mod guard;
mod headers;
mod health;
mod identity;
mod known_servers;
mod layer;
mod metrics;
mod network;
mod operation;
mod operations;
mod options;
mod origin;
mod request_body;
mod serve;
mod service;
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
