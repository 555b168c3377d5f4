//! Metrics that the pipeline has of itself, of the process and of its runtimes. All are read when metrics are.

mod process;
mod runtime;
mod sdk;

use std::sync::Arc;

use opentelemetry::{
    InstrumentationScope,
    metrics::{Meter, MeterProvider},
};

pub(crate) use process::Process;
pub(crate) use sdk::LostElsewhere;

use crate::{metrics::metric_export::SharedReader, otlp::Monitor, traces::sampling::SamplerHandle};

/// What there is to observe.
pub(crate) struct Observed<'a> {
    pub(crate) monitors: &'a [Arc<Monitor>],
    pub(crate) sampler: &'a SamplerHandle,
    pub(crate) readers: &'a [SharedReader],
    pub(crate) lost_elsewhere: &'a LostElsewhere,
}

/// The meter of these instruments.
pub(crate) fn meter(provider: &impl MeterProvider) -> Meter {
    let scope = InstrumentationScope::builder("telemetry-core");
    provider.meter_with_scope(scope.with_version(env!("CARGO_PKG_VERSION")).build())
}

pub(crate) use self::{process::observe as observe_process, runtime::observe as observe_runtimes};
pub(crate) use sdk::observe as observe_sdk;

#[cfg(test)]
mod tests;
