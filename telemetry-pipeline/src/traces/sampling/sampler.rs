//! The decision when a span starts.

use std::sync::Arc;

use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanContext, SpanKind, TraceContextExt, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};

use super::{live::Live, share::Share, trace_state};
use telemetry_api::instrument::tracer::Decides;

/// Decides by the policy of the moment. Spans below a local parent follow it without a look at the policy.
#[derive(Clone, Debug)]
pub(crate) struct LiveSampler(pub(crate) Arc<Live>);

impl ShouldSample for LiveSampler {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        let span = parent_context.map(Context::span);
        let parent = span
            .as_ref()
            .map(|span| span.span_context())
            .filter(|parent| parent.is_valid());
        let result = match parent {
            Some(parent) if !parent.is_remote() => self.follow(parent),
            Some(parent) if self.caller_decides(parent) => inherit(
                parent,
                if parent.is_sampled() {
                    SamplingDecision::RecordAndSample
                } else {
                    SamplingDecision::Drop
                },
            ),
            Some(_) => self.decide(parent, trace_id, name, span_kind, attributes),
            None => match self.0.shortcut.decide(trace_id) {
                Some(true) => result(SamplingDecision::RecordAndSample, TraceState::NONE),
                Some(false) => result(SamplingDecision::Drop, TraceState::NONE),
                None => self.decide(parent, trace_id, name, span_kind, attributes),
            },
        };
        self.0.spans.count(&result.decision, parent);
        result
    }
}

impl LiveSampler {
    /// Below a span of this process: sampled if that is, recorded if its trace may still be kept.
    fn follow(&self, parent: &SpanContext) -> SamplingResult {
        let decision = if parent.is_sampled() {
            SamplingDecision::RecordAndSample
        } else if self.0.pending.holds(parent.trace_id()) {
            SamplingDecision::RecordOnly
        } else {
            SamplingDecision::Drop
        };
        inherit(parent, decision)
    }

    /// True if the caller's decision stands and nothing else is to be asked.
    fn caller_decides(&self, parent: &SpanContext) -> bool {
        let hint = self.0.hint.get();
        hint.decides == Decides::TraceRoots && (parent.is_sampled() || !hint.records_unsampled)
    }

    /// The first span of a trace in this process. Out of line, so that following a parent stays short.
    #[inline(never)]
    fn decide(
        &self,
        parent: Option<&SpanContext>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
    ) -> SamplingResult {
        let policy = self.0.policy.load();
        let caller = parent.filter(|_| policy.heeds_parents());
        if let Some(parent) = caller.filter(|parent| parent.is_sampled()) {
            return inherit(parent, SamplingDecision::RecordAndSample);
        }
        let share = policy.share_of(name, kind, attributes);
        let state = parent.map_or(&TraceState::NONE, SpanContext::trace_state);
        if caller.is_none()
            && let Some(trace_state) = share.sample(trace_id, state)
        {
            return result(SamplingDecision::RecordAndSample, trace_state);
        }
        let kept_perhaps = policy.keeps_some() && !matches!(share, Share::Drop);
        let decision = if kept_perhaps && self.0.pending.admits() {
            SamplingDecision::RecordOnly
        } else {
            SamplingDecision::Drop
        };
        // The caller's threshold stands if its decision does.
        let state = match caller {
            Some(_) => state.clone(),
            None => trace_state::with_threshold(state, None),
        };
        result(decision, state)
    }
}

fn inherit(parent: &SpanContext, decision: SamplingDecision) -> SamplingResult {
    result(decision, parent.trace_state().clone())
}

fn result(decision: SamplingDecision, trace_state: TraceState) -> SamplingResult {
    SamplingResult {
        decision,
        attributes: Vec::new(),
        trace_state,
    }
}
