//! Metrics that the pipeline has of itself, of the process and of its runtimes. All are read when metrics are.

mod process_metrics;
mod runtime_metrics;
mod sdk_metrics;

use opentelemetry::{
    InstrumentationScope,
    metrics::{Meter, MeterProvider},
};

pub(crate) use process_metrics::Process;
pub(crate) use sdk_metrics::{LostElsewhere, Observed};

/// The meter of these instruments.
pub(crate) fn meter(provider: &impl MeterProvider) -> Meter {
    let scope = InstrumentationScope::builder("telemetry-core");
    provider.meter_with_scope(scope.with_version(env!("CARGO_PKG_VERSION")).build())
}

pub(crate) use self::{
    process_metrics::observe as observe_process, runtime_metrics::observe as observe_runtimes,
};
pub(crate) use sdk_metrics::observe as observe_sdk;

#[cfg(test)]
mod tests;
