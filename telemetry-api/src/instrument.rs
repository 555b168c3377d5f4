//! The interface between instrumentation and a pipeline: adapters call it, a pipeline is written against it.

pub mod duration;
pub(crate) mod exception;
pub mod exemplar;
pub(crate) mod hex;
pub mod pipeline;
#[cfg(feature = "prometheus-client")]
mod prometheus_client;
pub mod propagation;
pub mod providers;
pub(crate) mod random;
pub mod scrape;
pub mod series;
pub mod settings;
pub mod tracer;

pub use providers::Providers;
