//! Starts spans: the steps of the SDK's tracer, in the same order.

use std::{borrow::Cow, sync::Arc};

use opentelemetry::{
    Context, InstrumentationScope, KeyValue,
    trace::{SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId},
};
use opentelemetry_sdk::trace::{
    IdGenerator, SamplingDecision, ShouldSample, SpanData, SpanEvents, SpanLimits, SpanLinks,
};

use super::{processor::Processors, span::RecordedSpan, span_clock::SpanClock, unique::within};
use telemetry_api::instrument::{
    pipeline::{StartSpan, span_id, trace_id},
    tracer::SamplingHint,
};

/// Of a trace that begins here. Its id is random, but the flag that says so is left out: older SDKs, such as opentelemetry
/// for Rust up to 0.31, take a sampled trace with it, flags 3, for malformed and begin another.
/// <https://github.com/open-telemetry/opentelemetry-rust/issues/3435>
const OF_A_ROOT: TraceFlags = TraceFlags::NOT_SAMPLED;

/// Makes the spans of a pipeline.
#[derive(Debug)]
pub(crate) struct Recorder<S> {
    pub(crate) sampler: S,
    /// Our own, if there is none.
    pub(crate) ids: Option<Box<dyn IdGenerator>>,
    pub(crate) limits: SpanLimits,
    pub(crate) processors: Processors,
}

impl<S: ShouldSample + 'static> Recorder<S> {
    /// The starter of the spans of a scope.
    pub(crate) fn scoped(self: &Arc<Self>, scope: InstrumentationScope) -> Arc<dyn StartSpan> {
        Arc::new(Scoped {
            recorder: self.clone(),
            scope,
        })
    }
}

impl<S> Recorder<S> {
    fn trace_id(&self) -> TraceId {
        match &self.ids {
            None => trace_id(),
            Some(ids) => ids.new_trace_id(),
        }
    }

    fn span_id(&self) -> SpanId {
        match &self.ids {
            None => span_id(),
            Some(ids) => ids.new_span_id(),
        }
    }
}

struct Scoped<S> {
    recorder: Arc<Recorder<S>>,
    scope: InstrumentationScope,
}

impl<S: ShouldSample> StartSpan for Scoped<S> {
    fn start(
        &self,
        name: Cow<'static, str>,
        kind: SpanKind,
        cx: &Context,
        hint: SamplingHint,
        attributes: &mut dyn FnMut() -> Vec<KeyValue>,
    ) -> Context {
        if cx.is_telemetry_suppressed() {
            return cx.with_remote_span_context(SpanContext::NONE);
        }
        let recorder = &*self.recorder;
        let span_id = recorder.span_id();
        let parent = cx.span();
        let parent = parent.span_context();
        // The ids that a caller has sent may not be valid; then it is no parent either.
        let (trace_id, flags, parent) = if parent.is_valid() {
            (parent.trace_id(), parent.trace_flags(), parent)
        } else {
            (recorder.trace_id(), OF_A_ROOT, &SpanContext::NONE)
        };
        let early = hint.asks_for_attributes(parent).then(&mut *attributes);
        let known = early.as_deref().unwrap_or_default();
        let decided =
            (recorder.sampler).should_sample(Some(cx), trace_id, &name, &kind, known, &[]);
        let sampled = matches!(decided.decision, SamplingDecision::RecordAndSample);
        // Log lines and calls have its ids, and nobody else asks for it. The flag of a remote span keeps adapters from
        // attributes for its end.
        let goes_nowhere = recorder.processors.is_empty();
        let context = SpanContext::new(
            trace_id,
            span_id,
            flags.with_sampled(sampled),
            goes_nowhere,
            decided.trace_state,
        );
        if goes_nowhere || matches!(decided.decision, SamplingDecision::Drop) {
            // Only its identity is of use, and that needs no lock and no box.
            return cx.with_remote_span_context(context);
        }
        let mut attributes = early.unwrap_or_else(attributes);
        if !decided.attributes.is_empty() {
            attributes.extend(decided.attributes);
        }
        let (attributes, dropped) = within(attributes, recorder.limits.max_attributes_per_span);
        let clock = SpanClock::start();
        let start_time = clock.start_time();
        let record = Box::new(SpanData {
            span_context: context.clone(),
            parent_span_id: parent.span_id(),
            parent_span_is_remote: parent.is_remote(),
            span_kind: kind,
            name,
            start_time,
            end_time: start_time,
            attributes,
            dropped_attributes_count: dropped,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: self.scope.clone(),
        });
        recorder.processors.started(&context, &record.name, parent);
        cx.with_span(RecordedSpan {
            context,
            record: Some(record),
            limits: recorder.limits,
            processors: recorder.processors.clone(),
            clock,
        })
    }
}
