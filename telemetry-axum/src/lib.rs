#![doc = include_str!("../README.md")]

// The way of a request. Each of these files uses only files below it, never one above it.

mod layer;

mod service;

mod response_future;

mod response_body;

mod tracking;

mod request_start;

mod request_guard;

// The parts of a request, from the top down.

mod exchange;

mod grpc;

mod layer_state;

mod metrics;

mod response;

mod request;

mod options;

mod handler;

// The server around the router.

mod server;

pub use handler::{
    correlation_extractor::Correlation,
    identify::{Identified, identify},
    operation_name::Operation,
};
pub use layer::TelemetryLayer;
pub use options::{
    network::{InvalidNetwork, Network},
    trusted_proxies::ProxyHeaders,
};
pub use response_body::ResponseBody;
pub use response_future::ResponseFuture;
pub use server::{
    graceful_serve::{Serve, serve},
    operations_routes::Operations,
    readiness::Health,
};
pub use service::TelemetryService;
