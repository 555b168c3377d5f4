//! Metrics that the pipeline has of itself, of the process and of its runtimes. All are read when metrics are.

mod process;
mod runtime;
mod sdk;

use std::sync::Arc;

use opentelemetry::{
    InstrumentationScope,
    metrics::{Meter, MeterProvider},
};

pub(super) use process::Process;
pub(super) use sdk::LostElsewhere;

use super::{
    export::{Monitor, SharedReader},
    sampling::SamplerHandle,
};

/// What there is to observe.
pub(super) struct Observed<'a> {
    pub(super) monitors: &'a [Arc<Monitor>],
    pub(super) sampler: &'a SamplerHandle,
    pub(super) readers: &'a [SharedReader],
    pub(super) lost_elsewhere: &'a LostElsewhere,
}

/// The meter of these instruments.
pub(super) fn meter(provider: &impl MeterProvider) -> Meter {
    let scope = InstrumentationScope::builder("telemetry-core");
    provider.meter_with_scope(scope.with_version(env!("CARGO_PKG_VERSION")).build())
}

pub(super) use self::{process::observe as observe_process, runtime::observe as observe_runtimes};
pub(super) use sdk::observe as observe_sdk;

#[cfg(test)]
mod tests;
