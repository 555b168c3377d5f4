//! The interface between instrumentation and a pipeline: adapters call it, a pipeline is written against it.

pub mod carrier;
pub mod context;
pub mod described;
pub mod duration;
pub(crate) mod exception;
pub mod exemplar;
pub(crate) mod hex;
pub mod pipeline;
pub(crate) mod principal;
#[cfg(feature = "prometheus-client")]
mod prometheus_client;
pub mod propagation;
pub mod providers;
pub(crate) mod random;
pub mod redaction;
pub mod scrape;
pub(crate) mod sensitive;
pub mod series;
pub mod served;
pub mod settings;
pub mod text;
mod this_thread;
pub mod tracer;

pub use providers::Providers;
