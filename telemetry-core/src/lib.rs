#![doc = include_str!("../README.md")]

pub use telemetry_api::instrument::{Providers, exemplar, propagation, scrape};
// All of it: the attribute below then takes the place of the one that libraries import.
pub use telemetry_api::*;
#[cfg(feature = "macros")]
pub use telemetry_macros::step;
pub use telemetry_pipeline::{
    self as pipeline, BootstrapError, Config, Service, ShutdownError, Telemetry, bootstrap,
};

#[cfg(feature = "testing")]
pub use telemetry_pipeline::testing;

/// The code of the guides, compiled and run with the tests of this crate.
#[cfg(doctest)]
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
