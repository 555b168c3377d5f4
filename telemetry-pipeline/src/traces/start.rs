//! The start of traces: processors, queue, sampler, recorder.

use opentelemetry_sdk::trace::{RandomIdGenerator, SdkTracerProvider};
use telemetry_api::instrument::pipeline::StartSpans;

use super::{
    Processor, Processors, console::ConsoleSpans, sampling::SamplerHandle,
    settings::TracesSettings, span_queue::SpanQueue, span_starters::span_starters,
};
use crate::{common::Common, error::BootstrapError, otlp::Flush};

/// Running traces.
pub(crate) struct TracePipeline {
    /// Of the application's own spans.
    pub(crate) provider: SdkTracerProvider,
    /// Of the spans of adapters and steps.
    pub(crate) start_spans: StartSpans,
    pub(crate) sampler: SamplerHandle,
    pub(crate) flush: Option<Flush>,
}

pub(crate) fn start(
    settings: TracesSettings,
    common: &Common,
) -> Result<TracePipeline, BootstrapError> {
    let sampler = SamplerHandle::new(settings.sampler);
    let mut processors: Vec<Box<dyn Processor>> = Vec::new();
    if settings.console {
        processors.push(Box::new(ConsoleSpans {
            sink: common.sink.clone(),
            limits: settings.attributes,
        }));
    }
    let mut flush = None;
    if let (Some(worker), Some(endpoint)) = (&common.worker, settings.export) {
        let (queue, of_queue) = SpanQueue::start(
            worker,
            &common.resource,
            endpoint,
            settings.batching,
            settings.attributes,
            &common.reporter,
        )?;
        processors.push(Box::new(sampler.keeper(queue)));
        flush = Some(of_queue);
    }
    let (provider, start_spans) = span_starters(
        &common.resource,
        sampler.sampler(),
        None::<RandomIdGenerator>,
        settings.limits,
        Processors::new(processors),
    );
    Ok(TracePipeline {
        provider,
        start_spans,
        sampler,
        flush,
    })
}
