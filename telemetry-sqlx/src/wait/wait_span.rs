//! The span of waiting for a connection, or of connecting a pool.

use std::borrow::Cow;

use opentelemetry::{
    Context, KeyValue,
    trace::{SpanContext, SpanKind, Status, TraceContextExt},
};
use sqlx::Error;
use telemetry_api::instrument::tracer::{Tracer, is_recorded};

use crate::{
    backend::ErrorReader,
    error_type::{SqlErrorType, status_description},
    outcome,
};

/// Ends its span exactly once, at the latest when it is dropped.
pub(super) struct WaitSpan {
    cx: Context,
    ended: bool,
    /// True during a poll. If it is true when the span is dropped, connecting or a hook of the pool panicked.
    in_poll: bool,
}

impl WaitSpan {
    /// Starts below the current span. Returns `None` if that span is not recorded, because no sampler keeps a part of a
    /// trace without the whole.
    #[cold]
    pub(super) fn start(
        tracer: &Tracer,
        name: &'static str,
        attributes: impl FnOnce() -> Vec<KeyValue>,
    ) -> Option<Self> {
        let cx = Context::map_current(|parent| {
            let span = parent.span();
            if span.span_context().is_valid() && !is_recorded(&span) {
                return None;
            }
            let name = Cow::Borrowed(name);
            Some(tracer.start(parent, name, SpanKind::Internal, attributes))
        })?;
        Some(Self {
            cx,
            ended: false,
            in_poll: false,
        })
    }

    pub(super) fn span_context(&self) -> SpanContext {
        self.cx.span().span_context().clone()
    }

    /// Makes the span current for one poll.
    pub(super) fn poll<T>(&mut self, poll: impl FnOnce() -> T) -> T {
        self.in_poll = true;
        let attached = self.cx.clone().attach();
        let polled = poll();
        drop(attached);
        self.in_poll = false;
        polled
    }

    pub(super) fn end(mut self, error: Option<&Error>, reader: ErrorReader) {
        self.ended = true;
        let span = self.cx.span();
        if let Some(error) = error
            && let Some(error_type) = SqlErrorType::of(error, reader)
            && is_recorded(&span)
        {
            span.set_attributes(error_type.attributes());
            span.set_status(Status::error(status_description(error, reader)));
        }
        span.end();
    }
}

impl Drop for WaitSpan {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let span = self.cx.span();
        if self.in_poll {
            span.set_attribute(outcome::panicked());
            span.set_attributes(SqlErrorType::PANIC.attributes());
            span.set_status(Status::error(""));
        } else {
            span.set_attribute(outcome::cancelled());
        }
        span.end();
    }
}
