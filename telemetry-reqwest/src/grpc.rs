//! gRPC clients: a tower layer for tonic channels. Needs the cargo feature `grpc`.
//!
//! ```
//! use telemetry_reqwest::grpc::GrpcLayer;
//! use tonic::transport::Channel;
//! use tower::ServiceBuilder;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let target = "http://inventory:50051";
//! let channel = Channel::from_static(target).connect_lazy();
//! let channel = ServiceBuilder::new().layer(GrpcLayer::new(target)).service(channel);
//! // InventoryClient::new(channel)
//! # Ok(()) }
//! ```
//!
//! The layer goes around the channel itself. A call is one client span, from its start to the end of its response stream,
//! which carries the status of unary and streaming calls. If the caller drops the stream before its end, the status is
//! `CANCELLED` and the span is no error.

// The modules form a line: layer, service, body, call, channel, metrics, status.

mod body;
mod call;
mod channel;
mod layer;
mod metrics;
mod service;
mod status;

pub use body::GrpcBody;
pub use layer::GrpcLayer;
pub use service::{GrpcFuture, GrpcService};
