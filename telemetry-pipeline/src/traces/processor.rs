//! The processors of spans: of the SDK's and of ours.

use std::{sync::Arc, time::Duration};

use opentelemetry::{Context, trace::SpanContext};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};

/// A processor of the SDK's spans and of ours.
pub(crate) trait Processor: SpanProcessor {
    /// A recorded span of ours has started below this parent, which may be none.
    fn started(&self, _span: &SpanContext, _name: &str, _parent: &SpanContext) {}

    /// A recorded span of ours has ended.
    fn ended(&self, span: Box<SpanData>) {
        self.on_end(*span);
    }
}

/// All of a pipeline, in the order they are told. For the SDK they are one, which costs it no copy of a span.
#[derive(Clone, Debug)]
pub(crate) struct Processors(Arc<[Box<dyn Processor>]>);

impl Processors {
    pub(crate) fn new(processors: Vec<Box<dyn Processor>>) -> Self {
        Self(processors.into())
    }

    /// True if spans go nowhere.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn started(&self, span: &SpanContext, name: &str, parent: &SpanContext) {
        for processor in self.0.iter() {
            processor.started(span, name, parent);
        }
    }

    pub(crate) fn ended(&self, span: Box<SpanData>) {
        if let Some((last, others)) = self.0.split_last() {
            for processor in others {
                processor.ended(span.clone());
            }
            last.ended(span);
        }
    }
}

impl SpanProcessor for Processors {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        for processor in self.0.iter() {
            processor.on_start(span, cx);
        }
    }

    fn on_end(&self, span: SpanData) {
        if let Some((last, others)) = self.0.split_last() {
            for processor in others {
                processor.on_end(span.clone());
            }
            last.on_end(span);
        }
    }

    // The handle flushes all signals together; the provider alone has nothing to wait for.
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}
