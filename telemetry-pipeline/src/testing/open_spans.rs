//! The spans that have started and not ended.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use opentelemetry::{
    Context,
    trace::{Span as _, SpanContext, SpanId, TraceId},
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};
use tokio::sync::{Notify, futures::Notified};

use crate::traces::Processor;

#[derive(Clone, Debug)]
pub(crate) struct OpenSpan {
    /// The name it started with.
    pub(crate) name: String,
    pub(crate) id: (TraceId, SpanId),
    started: usize,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct OpenSpans(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    spans: Mutex<State>,
    ended: Notify,
}

#[derive(Debug, Default)]
struct State {
    open: HashMap<(TraceId, SpanId), OpenSpan>,
    started: usize,
}

impl OpenSpans {
    /// The oldest first.
    pub(crate) fn list(&self) -> Vec<OpenSpan> {
        let state = self.0.spans.lock().unwrap_or_else(PoisonError::into_inner);
        let mut open: Vec<_> = state.open.values().cloned().collect();
        open.sort_by_key(|span| span.started);
        open
    }

    /// Those that started with this name.
    pub(crate) fn named(&self, name: &str) -> Vec<(TraceId, SpanId)> {
        let open = self.list().into_iter().filter(|span| span.name == name);
        open.map(|span| span.id).collect()
    }

    /// Resolves when the next span has ended.
    pub(crate) fn ended(&self) -> Notified<'_> {
        self.0.ended.notified()
    }
}

impl SpanProcessor for OpenSpans {
    fn on_start(&self, span: &mut Span, _: &Context) {
        let name = span.exported_data().map(|data| data.name.into_owned());
        self.started(
            span.span_context(),
            &name.unwrap_or_default(),
            &SpanContext::NONE,
        );
    }

    fn on_end(&self, span: SpanData) {
        let cx = &span.span_context;
        let mut state = self.0.spans.lock().unwrap_or_else(PoisonError::into_inner);
        state.open.remove(&(cx.trace_id(), cx.span_id()));
        drop(state);
        self.0.ended.notify_waiters();
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl Processor for OpenSpans {
    fn started(&self, span: &SpanContext, name: &str, _: &SpanContext) {
        let id = (span.trace_id(), span.span_id());
        let mut state = self.0.spans.lock().unwrap_or_else(PoisonError::into_inner);
        state.started += 1;
        let open = OpenSpan {
            name: name.to_owned(),
            id,
            started: state.started,
        };
        state.open.insert(id, open);
    }
}
