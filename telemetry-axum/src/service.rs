//! Request in: parent context, correlation id, span, and the guard that will end it all.

use std::{
    fmt,
    sync::Arc,
    task::{Context as TaskContext, Poll},
};

use axum::extract::MatchedPath;
use http::{Request, Response};
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanContext, SpanKind, TraceContextExt, TraceId, TraceState},
};
use telemetry_api::{
    CorrelationId,
    correlation::CORRELATION_ID,
    instrument::{
        propagation::{PresentHeaders, Received},
        tracer,
    },
};
use tower_service::Service;

use crate::{
    attributes::{self, Caller, RequestFacts},
    body::ResponseBody,
    correlation,
    future::{Entered, ResponseFuture},
    guard::RequestGuard,
    metrics::ServerInstruments,
    operation::Operation,
    options::Shared,
    request_body,
};

/// On a request that a layer has taken up: a second layer around it does nothing. It is on the request and nowhere else,
/// because what is current in between may be a step's, and a handler may send requests of its own.
#[derive(Clone, Copy, Debug)]
struct Taken;

/// The service of [`TelemetryLayer`](crate::TelemetryLayer), for any service from `http::Request` to
/// `http::Response`: an axum router, hyper, tonic.
#[derive(Clone, Debug)]
pub struct TelemetryService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> TelemetryService<S> {
    pub(crate) fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

impl<S, RequestBody, Body> Service<Request<RequestBody>> for TelemetryService<S>
where
    S: Service<Request<RequestBody>, Response = Response<Body>>,
    S::Error: fmt::Display,
    RequestBody: http_body::Body + 'static,
    Body: http_body::Body,
    Body::Error: fmt::Display,
{
    type Response = Response<ResponseBody<Body>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        if self.shared.options.excludes(&request) {
            return ResponseFuture::new(self.inner.call(request), Entered::Passing(None));
        }
        let Some(instruments) = self.shared.instruments.get() else {
            // Nothing but another layer gives an id then.
            if Context::map_current(has_id) {
                return ResponseFuture::new(self.inner.call(request), Entered::Passing(None));
            }
            let (headers, names) = (request.headers(), &self.shared.options.correlation);
            let cx = correlation::from_caller(headers, PresentHeaders::of(headers), names)
                .map_or_else(CorrelationId::untraced_context, |id| {
                    id.attach_to(&Context::new())
                });
            let future = {
                let _serving = Serving::enter(&cx);
                self.inner.call(request)
            };
            return ResponseFuture::new(future, Entered::Untraced(cx, self.shared.clone()));
        };
        if request.extensions_mut().insert(Taken).is_some() {
            // The outer layer may stand where the route is not known yet.
            let route = request.extensions().get::<MatchedPath>().cloned();
            let named = Entered::Passing(route.map(Operation::matched));
            return ResponseFuture::new(self.inner.call(request), named);
        }
        let mut guard = enter(&self.shared, instruments, &request);
        if self.shared.options.counts_request_bytes() {
            guard.counts(request_body::count(request.body_mut()));
        }
        // The inner service may do its work in `call` already.
        let serving = guard.serve();
        let future = guard.poll(|| self.inner.call(request));
        drop(serving);
        ResponseFuture::new(future, Entered::Traced(guard))
    }
}

/// Starts everything a request has.
fn enter<B>(
    shared: &Arc<Shared>,
    instruments: &ServerInstruments,
    request: &Request<B>,
) -> RequestGuard {
    let (options, headers) = (&shared.options, request.headers());
    let present = PresentHeaders::of(headers);
    let received = instruments
        .propagation
        .receive(Context::new(), headers, present);
    let (parent, link) = if options.public {
        (Received::default(), received.with_span_context(link_to))
    } else {
        (received, None)
    };
    let foreign = correlation::from_caller(headers, present, &options.correlation);
    let caller = Caller::of(request, options);
    let facts = RequestFacts::of(request, &caller, options, &instruments.endpoints);
    let call = shared.grpc_call(request);
    let name = match &call {
        Some(call) => call.name().into(),
        None => facts.endpoint.span_name.clone(),
    };

    // Below a caller's span the trace is known before there is a span.
    let trace = parent.with_span_context(SpanContext::trace_id);
    let expected = || match &foreign {
        Some(id) => Some(id.clone()),
        None => (trace != TraceId::INVALID).then(|| CorrelationId::from_trace_id(trace)),
    };
    let attributes = || {
        let mut attributes = match &call {
            Some(call) => call.attributes(&caller, request, options),
            None => attributes::at_start(&facts, &caller, request, options),
        };
        attributes.extend(expected().map(|id| KeyValue::new(CORRELATION_ID, id)));
        attributes
    };
    let tracer = &instruments.tracer;
    let cx = tracer.start_received(parent, name, SpanKind::Server, attributes);
    let span = cx.span();
    if let Some(link) = link {
        span.add_link(link, Vec::new());
    }
    if foreign.is_none()
        && trace == TraceId::INVALID
        && tracer::is_recorded(&span)
        && let Some(id) = CorrelationId::of(&cx)
    {
        span.set_attribute(KeyValue::new(CORRELATION_ID, id));
    }
    let cx = correlate(cx, foreign);
    RequestGuard::new(shared.clone(), cx, facts, call).begin()
}

/// A link to a caller that is not trusted: without its tracestate.
fn link_to(span: &SpanContext) -> Option<SpanContext> {
    let (trace, id, flags) = (span.trace_id(), span.span_id(), span.trace_flags());
    span.is_valid()
        .then(|| SpanContext::new(trace, id, flags, true, TraceState::NONE))
}

/// The context with the request's correlation id: the caller's, else the trace's, which is there already.
fn correlate(cx: Context, foreign: Option<CorrelationId>) -> Context {
    let traced = cx.span().span_context().trace_id() != TraceId::INVALID;
    match foreign {
        None if traced => cx,
        Some(id) if CorrelationId::of(&cx).is_some_and(|own| own == id) => cx,
        Some(id) => id.attach_to(&cx),
        // The tracer is a no-op one: there is no trace whose id could serve.
        None => CorrelationId::random().attach_to(&cx),
    }
}

/// Whether there is a correlation id, without making its text.
fn has_id(cx: &Context) -> bool {
    cx.span().span_context().trace_id() != TraceId::INVALID || CorrelationId::foreign(cx).is_some()
}

/// A request is known by its span; without one by its correlation id, which then is its own.
fn identity(cx: &Context) -> u64 {
    let span = cx.span();
    let span = span.span_context();
    let id = u64::from_be_bytes(span.span_id().to_bytes());
    if id != 0 {
        return id;
    }
    let trace = u128::from_be_bytes(span.trace_id().to_bytes()) as u64;
    CorrelationId::foreign(cx).map_or(trace, |id| {
        // FNV-1a, enough to tell two requests of one thread apart.
        id.as_str().bytes().fold(0xcbf2_9ce4_8422_2325, |hash, b| {
            (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
        })
    })
}

/// While it lives, the request's context is current.
pub(crate) struct Serving {
    _attached: opentelemetry::ContextGuard,
}

impl Serving {
    /// Whether the current context is that of this request.
    pub(crate) fn is(cx: &Context) -> bool {
        Context::map_current(identity) == identity(cx)
    }

    pub(crate) fn enter(cx: &Context) -> Self {
        Self {
            _attached: cx.clone().attach(),
        }
    }
}
