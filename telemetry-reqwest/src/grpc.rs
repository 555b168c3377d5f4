//! gRPC clients: a tower layer for tonic channels. Needs the feature `grpc`.
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
//! The layer goes around the channel itself. A call is one client span from its start to the end of its response stream,
//! where gRPC puts the status, unary or streaming alike; a stream that is dropped before has the status `CANCELLED`
//! without being an error, because it was the caller who wanted no more.

mod body;
mod call;
mod layer;
mod metrics;
mod service;
mod status;

pub use body::GrpcBody;
pub use layer::GrpcLayer;
pub use service::{GrpcFuture, GrpcService};
