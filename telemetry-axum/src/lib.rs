#![doc = include_str!("../README.md")]

mod attributes;
mod body;
mod correlation;
mod future;
mod guard;
mod layer;
mod metrics;
mod operations;
mod serve;
mod service;

pub use body::ResponseBody;
pub use future::ResponseFuture;
pub use layer::TelemetryLayer;
pub use operations::Operations;
pub use serve::serve;
pub use service::TelemetryService;
