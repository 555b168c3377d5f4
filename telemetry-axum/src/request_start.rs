//! The start of a request that is recorded: its parent, its correlation id and its span.

use std::sync::Arc;

use http::Request;
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanContext, SpanKind, TraceContextExt, TraceId, TraceState},
};
use telemetry_api::{
    CorrelationId,
    correlation::CORRELATION_ID,
    instrument::{
        propagation::{PresentHeaders, Received},
        tracer::is_recorded,
    },
};

use crate::{
    exchange::Exchange,
    layer_state::{LayerState, ServerTelemetry},
    request::{correlation_headers, incoming_request::IncomingRequest},
    request_guard::RequestGuard,
};

/// Starts the span and the lifecycle of a request.
pub(crate) fn start<B>(
    layer: &Arc<LayerState>,
    telemetry: &ServerTelemetry,
    request: &Request<B>,
) -> RequestGuard {
    let options = &layer.options;
    let request = IncomingRequest::new(request, options);
    let present = PresentHeaders::of(request.headers);
    let received = telemetry
        .propagation
        .receive(Context::new(), request.headers, present);
    let (parent, link) = if options.is_public_endpoint {
        (Received::default(), received.with_span_context(link_to))
    } else if options.believes_principal {
        (received.with_principal(), None)
    } else {
        (received, None)
    };
    let callers_id =
        correlation_headers::read(request.headers, present, &options.correlation_headers);
    // If the caller has sent a span, the trace is known before the span of the server starts.
    let trace = parent.with_span_context(SpanContext::trace_id);
    let known_id = || match &callers_id {
        Some(id) => Some(id.clone()),
        None => (trace != TraceId::INVALID).then(|| CorrelationId::from_trace_id(trace)),
    };
    let exchange = Exchange::new(&request, telemetry);
    let attributes = || {
        let mut attributes = exchange.start_attributes(&request);
        attributes.extend(known_id().map(|id| KeyValue::new(CORRELATION_ID, id)));
        attributes
    };
    let (name, kind) = (exchange.span_name(), SpanKind::Server);
    let cx = telemetry
        .tracer
        .start_received(parent, name, kind, attributes);
    let span = cx.span();
    if let Some(link) = link {
        span.add_link(link, Vec::new());
    }
    let is_new_trace = callers_id.is_none() && trace == TraceId::INVALID;
    if is_new_trace
        && is_recorded(&span)
        && let Some(id) = CorrelationId::of(&cx)
    {
        span.set_attribute(KeyValue::new(CORRELATION_ID, id));
    }
    let cx = with_correlation_id(cx, callers_id);
    RequestGuard::new(layer.clone(), cx, exchange, request.method)
}

/// A link to the span of a caller that is not trusted. Its tracestate is left out.
fn link_to(span: &SpanContext) -> Option<SpanContext> {
    let (trace, id, flags) = (span.trace_id(), span.span_id(), span.trace_flags());
    span.is_valid()
        .then(|| SpanContext::new(trace, id, flags, true, TraceState::NONE))
}

/// The context with the correlation id of the request: the caller's id, else the trace id, which the context has
/// already.
fn with_correlation_id(cx: Context, callers_id: Option<CorrelationId>) -> Context {
    let is_traced = cx.span().span_context().trace_id() != TraceId::INVALID;
    match callers_id {
        None if is_traced => cx,
        Some(id) if CorrelationId::of(&cx).is_some_and(|own| own == id) => cx,
        Some(id) => id.attach_to(&cx),
        // A no-op tracer starts no trace.
        None => CorrelationId::random().attach_to(&cx),
    }
}
