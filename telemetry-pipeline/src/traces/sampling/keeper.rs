//! The processor that decides once more, when a local root ends.

use std::{sync::Arc, time::Duration};

use opentelemetry::{
    Context, KeyValue,
    trace::{Span as _, SpanContext, SpanId, Status, TraceContextExt},
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};

use super::{live::Live, trace_state};
use crate::traces::Processor;

/// On a local root that was not sampled: why it was exported all the same.
const KEPT: &str = "telemetry.kept";

/// Passes sampled spans on and holds the others back until it is known whether their trace is kept.
#[derive(Debug)]
pub(crate) struct Keeper<P> {
    pub(crate) next: P,
    pub(crate) shared: Arc<Live>,
}

impl<P: Processor> SpanProcessor for Keeper<P> {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        self.recorded(span.span_context(), cx.span().span_context());
        self.next.on_start(span, cx);
    }

    fn on_end(&self, mut span: SpanData) {
        if span.span_context.is_sampled() {
            self.next.on_end(span);
            return;
        }
        let local_root = span.parent_span_id == SpanId::INVALID || span.parent_span_is_remote;
        let why = if local_root { self.why(&span) } else { None };
        if let Some(why) = why {
            span.attributes.push(KeyValue::new(KEPT, why));
        }
        self.shared.spans.ended_unsampled_one();
        for span in self.shared.pending.ended(span, local_root, why.is_some()) {
            self.shared.spans.kept_one();
            self.next.on_end(as_sampled(span));
        }
    }

    // A flush has nothing to send here: the end of a trace decides about the spans that are held back.
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl<P: Processor> Processor for Keeper<P> {
    fn started(&self, span: &SpanContext, name: &str, parent: &SpanContext) {
        self.recorded(span, parent);
        self.next.started(span, name, parent);
    }

    fn ended(&self, span: Box<SpanData>) {
        if span.span_context.is_sampled() {
            self.next.ended(span);
        } else {
            self.on_end(*span);
        }
    }
}

impl<P> Keeper<P> {
    fn recorded(&self, span: &SpanContext, parent: &SpanContext) {
        if !span.is_sampled() {
            let local_root = !parent.is_valid() || parent.is_remote();
            self.shared.pending.started(span.trace_id(), local_root);
        }
    }

    fn why(&self, root: &SpanData) -> Option<&'static str> {
        let failed = matches!(root.status, Status::Error { .. });
        // A clock that was set back says nothing about the duration.
        let duration = root
            .end_time
            .duration_since(root.start_time)
            .unwrap_or_default();
        self.shared.policy.load().keeps(failed, duration)
    }
}

/// Back ends discard what is not marked as sampled. A threshold would claim a probability that this span was not
/// chosen by.
fn as_sampled(mut span: SpanData) -> SpanData {
    let own = &span.span_context;
    span.span_context = SpanContext::new(
        own.trace_id(),
        own.span_id(),
        own.trace_flags().with_sampled(true),
        own.is_remote(),
        trace_state::with_threshold(own.trace_state(), None),
    );
    span
}
