//! The one span processor: it moves an ended span into the queue.

use std::{sync::Arc, time::Duration};

use opentelemetry::Context;
use opentelemetry_proto::{
    tonic::collector::trace::v1::ExportTraceServiceRequest,
    transform::{
        common::tonic::ResourceAttributesWithSchema,
        trace::tonic::group_spans_by_resource_and_scope,
    },
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};

use super::{processor::Processor, span_request, span_size};
use crate::{
    error::BootstrapError,
    otlp::{
        Batching,
        batch::{self, Encode},
        endpoint::Endpoint,
        flush::Flush,
        limits::AttributeLimits,
        queue::Queue,
        report::Reporter,
        signal::Signal,
        worker::Worker,
    },
};

#[derive(Debug)]
pub(crate) struct SpanQueue {
    queue: Queue<SpanData>,
}

impl SpanQueue {
    pub(crate) fn start(
        worker: &Worker,
        resource: &Resource,
        endpoint: Endpoint,
        batching: Batching,
        limits: AttributeLimits,
        reporter: &Arc<Reporter>,
    ) -> Result<(Self, Flush), BootstrapError> {
        let encode = EncodeSpans {
            resource: resource.into(),
            limits,
        };
        let (queue, flush) = batch::start(worker, encode, endpoint, batching, reporter.clone())?;
        Ok((Self { queue }, flush))
    }
}

impl SpanProcessor for SpanQueue {
    fn on_start(&self, _span: &mut Span, _cx: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.ended(Box::new(span));
    }

    // The handle flushes all signals together; the provider alone has nothing to wait for.
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl Processor for SpanQueue {
    fn ended(&self, span: Box<SpanData>) {
        if span.span_context.is_sampled() {
            let size = span_size::of(&span);
            let ended = span.end_time;
            self.queue.push(span, size, ended);
        }
    }
}

struct EncodeSpans {
    resource: ResourceAttributesWithSchema,
    limits: AttributeLimits,
}

impl Encode for EncodeSpans {
    type Item = SpanData;
    type Request = ExportTraceServiceRequest;

    const SIGNAL: Signal = Signal::Traces;

    fn encode(&self, spans: Vec<SpanData>) -> Self::Request {
        let mut request = ExportTraceServiceRequest {
            resource_spans: group_spans_by_resource_and_scope(spans, &self.resource),
        };
        self.limits.apply_to_spans(&mut request);
        request
    }

    fn protobuf(&self, spans: &[SpanData]) -> Option<Vec<u8>> {
        let limit = self.limits.value_length;
        Some(span_request::encode(spans, &self.resource, limit))
    }
}
