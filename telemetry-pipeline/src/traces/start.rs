//! The start of traces: processors, queue, sampler, recorder.

use std::sync::Arc;

use opentelemetry_sdk::trace::SdkTracerProvider;

use super::{
    Processor, Processors, Recorder,
    console::ConsoleSpans,
    sampling::{LiveSampler, SamplerHandle},
    settings::TracesSettings,
    span_queue::SpanQueue,
};
use crate::{common::Common, error::BootstrapError, otlp::Flush};

/// Running traces.
pub(crate) struct TracePipeline {
    /// Of the application's own spans.
    pub(crate) provider: SdkTracerProvider,
    /// Of the spans of adapters and steps.
    pub(crate) recorder: Arc<Recorder<LiveSampler>>,
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
    let processors = Processors::new(processors);
    let provider = SdkTracerProvider::builder()
        .with_resource(common.resource.clone())
        .with_sampler(sampler.sampler())
        .with_span_limits(settings.limits)
        .with_span_processor(processors.clone())
        .build();
    let recorder = Arc::new(Recorder {
        sampler: sampler.sampler(),
        ids: None,
        limits: settings.limits,
        processors,
    });
    Ok(TracePipeline {
        provider,
        recorder,
        sampler,
        flush,
    })
}
