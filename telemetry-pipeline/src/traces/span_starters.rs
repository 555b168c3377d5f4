//! The two ways in which spans of one pipeline start: the SDK's tracers for the application, our recorder for adapters and
//! steps.

use std::sync::Arc;

use opentelemetry_sdk::{
    Resource,
    trace::{IdGenerator, SdkTracerProvider, ShouldSample, SpanLimits},
};

use super::{Processors, Recorder, SdkSpans};
use telemetry_api::instrument::pipeline::StartSpans;

/// Both ways, with the same sampler, ids, limits and processors. Ids are random without a generator.
pub(crate) fn span_starters<S, I>(
    resource: &Resource,
    sampler: S,
    ids: Option<I>,
    limits: SpanLimits,
    processors: Processors,
) -> (SdkTracerProvider, StartSpans)
where
    S: ShouldSample + Clone + 'static,
    I: IdGenerator + Clone + 'static,
{
    let provider = SdkTracerProvider::builder()
        .with_resource(resource.clone())
        .with_sampler(sampler.clone())
        .with_span_limits(SdkSpans::limits_of_sdk(limits))
        .with_span_processor(SdkSpans::new(processors.clone(), &limits));
    let provider = match ids.clone() {
        Some(ids) => provider.with_id_generator(ids).build(),
        None => provider.build(),
    };
    let recorder = Arc::new(Recorder {
        sampler,
        ids: ids.map(|ids| Box::new(ids) as Box<dyn IdGenerator>),
        limits,
        processors,
    });
    (provider, Box::new(move |scope| recorder.scoped(scope)))
}
