//! The decided configuration of traces.

use opentelemetry_sdk::trace::SpanLimits;

use super::sampling::SamplerPolicy;
use crate::{
    error::BootstrapError,
    otlp::{
        AttributeLimits,
        batching::Batching,
        endpoint::Endpoint,
        settings::{batching, endpoint},
        signal::Signal,
    },
    settings::{
        Settings, batches, exporters, limits,
        traces::{self, SamplerArgument},
    },
};

#[derive(Debug)]
pub(crate) struct TracesSettings {
    pub(crate) export: Option<Endpoint>,
    /// Spans are written as log lines are.
    pub(crate) console: bool,
    pub(crate) batching: Batching,
    /// The limits that the SDK counts by itself.
    pub(crate) limits: SpanLimits,
    pub(crate) attributes: AttributeLimits,
    pub(crate) sampler: SamplerPolicy,
}

impl TracesSettings {
    /// `sampler` and `queue_bytes` are those of the code.
    pub(crate) fn read(
        disabled: bool,
        sampler: Option<SamplerPolicy>,
        queue_bytes: Option<usize>,
        settings: &mut Settings,
    ) -> Result<Self, BootstrapError> {
        let exporters = settings.get(&exporters::TRACES);
        let export = if exporters.otlp && !disabled {
            let bound = settings.get(&batches::SPANS.export_timeout);
            Some(endpoint(Signal::Traces, bound, settings)?)
        } else {
            None
        };
        Ok(Self {
            export,
            console: exporters.console && !disabled,
            batching: batching(&batches::SPANS, queue_bytes, settings),
            limits: SpanLimits {
                max_attributes_per_span: bound(settings.get(&limits::SPAN_ATTRIBUTES)),
                max_events_per_span: bound(settings.get(&limits::SPAN_EVENTS)),
                max_links_per_span: bound(settings.get(&limits::SPAN_LINKS)),
                max_attributes_per_event: bound(settings.get(&limits::EVENT_ATTRIBUTES)),
                max_attributes_per_link: bound(settings.get(&limits::LINK_ATTRIBUTES)),
            },
            attributes: AttributeLimits {
                count: None,
                value_length: settings.get(&limits::SPAN_VALUE_LENGTH),
            },
            sampler: policy(sampler, settings),
        })
    }

    /// True if spans go somewhere.
    pub(crate) fn is_exported(&self) -> bool {
        self.export.is_some() || self.console
    }
}

fn bound(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Code beats the environment beats the default.
fn policy(code: Option<SamplerPolicy>, settings: &mut Settings) -> SamplerPolicy {
    if let Some(policy) = code {
        settings.set_in_code(&traces::SAMPLER, "with_sampler");
        return policy;
    }
    let (sampler, argument) = (&traces::SAMPLER, &traces::SAMPLER_ARG);
    let sampler = settings.get(sampler);
    let ratio = match settings.get(argument) {
        SamplerArgument::Ratio(ratio) => ratio,
        SamplerArgument::Other if sampler.has_argument() => {
            let by = settings.set_by(argument).map_or("", |by| &by.label);
            let shown = settings.shown(argument);
            let warning =
                format!("{by}={shown:?} is not valid: it must be a ratio from 0 to 1; using 1");
            settings.say(warning);
            settings.use_instead(argument, "1");
            1.0
        }
        SamplerArgument::Unset | SamplerArgument::Other => 1.0,
    };
    sampler.policy(ratio)
}
