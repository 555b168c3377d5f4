#![doc = include_str!("../README.md")]

pub mod correlation;
pub mod exemplar;
mod hex;
pub mod messaging;
pub mod metrics;
pub mod principal;
pub mod propagation;
pub mod providers;
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
#[cfg(feature = "pipeline")]
pub use pipeline::{BootstrapError, Config, Service, ShutdownError, Telemetry, bootstrap};
pub use principal::Principal;
pub use providers::Providers;
pub use step::{Verdict, step};

use opentelemetry::{Context, Key, KeyValue, Value, trace::TraceContextExt};

/// Sets an attribute on the current span: in a handler the server span, inside a step the step's.
///
/// Does nothing outside of a span or when the span is not recorded.
pub fn set_attribute(key: impl Into<Key>, value: impl Into<Value>) {
    Context::map_current(|cx| {
        if cx.has_active_span() {
            cx.span().set_attribute(KeyValue::new(key, value));
        }
    });
}

/// The code of the guides, compiled and run with the tests of this crate.
#[cfg(all(doctest, feature = "pipeline"))]
mod guides {
    #[doc = include_str!("../../docs/guides/background-work.md")]
    mod background_work {}
    #[doc = include_str!("../../docs/guides/sampling.md")]
    mod sampling {}
}
