#![doc = include_str!("../README.md")]

pub mod correlation;
pub mod current;
mod exception;
pub mod exemplar;
mod hex;
pub mod instruments;
pub mod messaging;
pub mod metrics;
pub mod names;
pub mod principal;
pub mod propagation;
pub mod providers;
mod random;
#[cfg(feature = "prometheus-client")]
mod registry;
pub mod scrape;
pub mod semconv_db;
pub mod semconv_http;
pub mod semconv_messaging;
pub mod semconv_rpc;
pub mod sensitive;
pub mod series;
pub mod step;
pub mod task;
pub mod tracer;

#[cfg(feature = "pipeline")]
pub mod pipeline;

#[cfg(feature = "testing")]
pub mod testing;

pub use opentelemetry;

pub use correlation::CorrelationId;
pub use current::{current_span, entry_span, record_error, set_attribute};
pub use instruments::{
    Counter, Gauge, Histogram, UpDownCounter, counter, gauge, histogram, up_down_counter,
};
#[cfg(feature = "pipeline")]
pub use pipeline::{BootstrapError, Config, Service, ShutdownError, Telemetry, bootstrap};
pub use principal::Principal;
pub use providers::Providers;
pub use step::{StepGuard, StepOutput, Verdict, step};
#[cfg(feature = "macros")]
pub use telemetry_macros::step;

/// The code of the guides, compiled and run with the tests of this crate.
#[cfg(all(doctest, feature = "pipeline"))]
mod guides {
    #[doc = include_str!("../../docs/guides/background-work.md")]
    mod background_work {}
    #[doc = include_str!("../../docs/guides/logs.md")]
    mod logs {}
    #[doc = include_str!("../../docs/guides/metrics.md")]
    mod metrics {}
    #[doc = include_str!("../../docs/guides/sampling.md")]
    mod sampling {}
    #[doc = include_str!("../../docs/guides/steps.md")]
    mod steps {}
}
