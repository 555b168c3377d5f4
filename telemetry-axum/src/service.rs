//! Request in: parent context, correlation id, span, and the guard that will end it all.

use std::{
    cell::Cell,
    fmt,
    sync::Arc,
    task::{Context as TaskContext, Poll},
};

use axum::extract::MatchedPath;
use http::{HeaderMap, Request, Response};
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanContext, SpanKind, TraceContextExt, TraceState},
};
use telemetry_core::{CorrelationId, correlation::CORRELATION_ID, semconv_http};
use tower_service::Service;

use crate::{
    attributes::{self, Caller, RequestFacts},
    body::ResponseBody,
    correlation,
    future::{Entered, ResponseFuture},
    guard::RequestGuard,
    metrics::ServerInstruments,
    operation::Operation,
    options::{Options, Shared},
    request_body,
};

thread_local! {
    /// What identifies the request being worked on: a second layer around the same request sees its own current
    /// context here and does nothing.
    static SERVING: Cell<u64> = const { Cell::new(0) };
}

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
        if already_served() {
            // The outer layer may stand where the route is not known yet.
            let route = request.extensions().get::<MatchedPath>().cloned();
            let named = Entered::Passing(route.map(Operation::matched));
            return ResponseFuture::new(self.inner.call(request), named);
        }
        let Some(instruments) = self.shared.instruments.get() else {
            let id = correlation::from_caller(request.headers(), &self.shared.options.correlation)
                .unwrap_or_else(CorrelationId::random);
            let cx = id.clone().attach_to(&Context::new());
            let future = {
                let _serving = Serving::enter(&cx);
                self.inner.call(request)
            };
            return ResponseFuture::new(future, Entered::Untraced(cx, id, self.shared.clone()));
        };
        let (mut guard, id) = enter(&self.shared, instruments, &request);
        if self.shared.options.counts_request_bytes() {
            let (parts, body) = request.into_parts();
            let (body, read) = request_body::count(body);
            guard.counts(read);
            request = Request::from_parts(parts, body);
        }
        // The inner service may do its work in `call` already.
        let future = guard.poll(|| self.inner.call(request));
        ResponseFuture::new(future, Entered::Traced(guard, id))
    }
}

/// Starts everything a request has.
fn enter<B>(
    shared: &Arc<Shared>,
    instruments: &Arc<ServerInstruments>,
    request: &Request<B>,
) -> (RequestGuard, CorrelationId) {
    let options = &shared.options;
    let (parent, link) = parent(instruments, options.public, request.headers());
    let caller = Caller::of(request, options);
    let facts = RequestFacts::of(request, &caller.origin, options);

    #[cfg(feature = "grpc")]
    let call = shared.grpc_call(request);
    #[cfg(feature = "grpc")]
    let cx = match &call {
        Some(call) => {
            let attributes = || call.attributes(&caller, request, options);
            let name = call.name();
            instruments
                .tracer
                .start(&parent, name, SpanKind::Server, attributes)
        }
        None => start(instruments, &parent, &facts, &caller, request, options),
    };
    #[cfg(not(feature = "grpc"))]
    let cx = start(instruments, &parent, &facts, &caller, request, options);

    if let Some(link) = link {
        cx.span().add_link(link, Vec::new());
    }
    let foreign = correlation::from_caller(request.headers(), &options.correlation);
    let (cx, id) = correlate(cx, foreign);
    #[cfg(feature = "grpc")]
    let is_http = call.is_none();
    #[cfg(not(feature = "grpc"))]
    let is_http = true;
    let active = is_http.then(|| instruments.active.enter(facts.method, facts.scheme));
    let guard = RequestGuard::new(shared.clone(), instruments.clone(), cx, facts, active);
    #[cfg(feature = "grpc")]
    let guard = guard.of_call(call);
    (guard, id)
}

/// Starts the span of an HTTP request.
fn start<B>(
    instruments: &ServerInstruments,
    parent: &Context,
    facts: &RequestFacts,
    caller: &Caller<'_>,
    request: &Request<B>,
    options: &Options,
) -> Context {
    let names = facts
        .route()
        .and_then(|route| instruments.names.of(facts.method, route));
    let name = match names {
        Some(names) => names.span.into(),
        None => semconv_http::span_name(facts.method, facts.route()),
    };
    let route = names.map(|names| names.route);
    instruments
        .tracer
        .start(parent, name, SpanKind::Server, || {
            attributes::at_start(facts, route, caller, request, options)
        })
}

/// The context the span starts in, and the caller's span if it may only be a link.
fn parent(
    instruments: &ServerInstruments,
    public: bool,
    headers: &HeaderMap,
) -> (Context, Option<SpanContext>) {
    let caller = instruments.propagation.extract(&Context::new(), headers);
    if !public {
        return (caller, None);
    }
    let span = caller.span();
    let span = span.span_context();
    let link = span.is_valid().then(|| {
        let (trace, id, flags) = (span.trace_id(), span.span_id(), span.trace_flags());
        SpanContext::new(trace, id, flags, true, TraceState::default())
    });
    (Context::new(), link)
}

/// Gives the request its correlation id: the caller's, else the trace's.
fn correlate(cx: Context, foreign: Option<CorrelationId>) -> (Context, CorrelationId) {
    let own = CorrelationId::of(&cx);
    let (cx, id) = match (foreign, own) {
        (Some(foreign), Some(own)) if foreign.as_str() == own.as_str() => (cx, own),
        (None, Some(own)) => (cx, own),
        (Some(id), _) => (id.clone().attach_to(&cx), id),
        // The tracer is a no-op one: there is no trace whose id could serve.
        (None, None) => {
            let id = CorrelationId::random();
            (id.clone().attach_to(&cx), id)
        }
    };
    if telemetry_core::tracer::is_recorded(&cx.span()) {
        cx.span()
            .set_attribute(KeyValue::new(CORRELATION_ID, id.clone()));
    }
    (cx, id)
}

/// Whether the current context is that of the request this thread is working on.
fn already_served() -> bool {
    let serving = SERVING.get();
    serving != 0 && Context::map_current(identity) == serving
}

/// A request is known by its span; without one by its correlation id, which then is its own.
fn identity(cx: &Context) -> u64 {
    let span = u64::from_be_bytes(cx.span().span_context().span_id().to_bytes());
    if span != 0 {
        return span;
    }
    CorrelationId::foreign(cx).map_or(0, |id| {
        // FNV-1a, enough to tell two requests of one thread apart.
        id.as_str().bytes().fold(0xcbf2_9ce4_8422_2325, |hash, b| {
            (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
        })
    })
}

/// While it lives, the request's context is current.
pub(crate) struct Serving {
    previous: u64,
    _attached: opentelemetry::ContextGuard,
}

impl Serving {
    pub(crate) fn enter(cx: &Context) -> Self {
        let previous = SERVING.replace(identity(cx));
        Self {
            previous,
            _attached: cx.clone().attach(),
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        SERVING.set(self.previous);
    }
}
