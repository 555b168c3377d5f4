//! Request in: parent context, correlation id, span, and the guard that will end it all.

use std::{
    cell::Cell,
    sync::Arc,
    task::{Context as TaskContext, Poll},
};

use http::{Request, Response};
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanId, SpanKind, TraceContextExt},
};
use telemetry_core::{CorrelationId, correlation::CORRELATION_ID, providers::Lazy, semconv_http};
use tower_service::Service;

use crate::{
    attributes::{self, RequestFacts},
    body::ResponseBody,
    correlation,
    future::ResponseFuture,
    guard::RequestGuard,
    metrics::ServerInstruments,
};

thread_local! {
    /// The server span whose request is being worked on: a second layer around the same request sees its own current
    /// span here and does nothing.
    static SERVING: Cell<SpanId> = const { Cell::new(SpanId::INVALID) };
}

/// Routes that are asked all day by machines and tell nobody anything.
const UNTRACED: [&str; 3] = ["/livez", "/metrics", "/readyz"];

/// The service of [`TelemetryLayer`](crate::TelemetryLayer).
#[derive(Clone, Debug)]
pub struct TelemetryService<S> {
    inner: S,
    instruments: Arc<Lazy<ServerInstruments>>,
}

impl<S> TelemetryService<S> {
    pub(crate) fn new(inner: S, instruments: Arc<Lazy<ServerInstruments>>) -> Self {
        Self { inner, instruments }
    }
}

impl<S, RequestBody, Body> Service<Request<RequestBody>> for TelemetryService<S>
where
    S: Service<Request<RequestBody>, Response = Response<Body>>,
    Body: http_body::Body,
{
    type Response = Response<ResponseBody<Body>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        if UNTRACED.contains(&request.uri().path()) || already_served() {
            return ResponseFuture::passing(self.inner.call(request));
        }
        let entered = enter(&self.instruments, &request);
        // The inner service may do its work in `call` already.
        let future = {
            let _serving = Serving::enter(&entered.cx);
            self.inner.call(request)
        };
        ResponseFuture::new(future, entered)
    }
}

/// What a request carries from its arrival to the end of its response.
#[derive(Debug)]
pub(crate) struct Entered {
    pub(crate) cx: Context,
    pub(crate) guard: Option<RequestGuard>,
    pub(crate) correlation_id: CorrelationId,
}

fn enter<B>(lazy: &Lazy<ServerInstruments>, request: &Request<B>) -> Entered {
    let foreign = correlation::from_caller(request.headers());
    let Some(instruments) = lazy.get() else {
        let correlation_id = foreign.unwrap_or_else(CorrelationId::random);
        return Entered {
            cx: correlation_id.clone().attach_to(&Context::new()),
            guard: None,
            correlation_id,
        };
    };

    let parent = instruments
        .propagation
        .extract(&Context::new(), request.headers());
    let facts = RequestFacts::of(request);
    let name = semconv_http::span_name(facts.method, facts.route());
    let cx = instruments
        .tracer
        .start(&parent, name, SpanKind::Server, || {
            attributes::at_start(&facts, request)
        });

    let own = CorrelationId::of(&cx);
    let (cx, correlation_id) = match (foreign, own) {
        (Some(foreign), Some(own)) if foreign == own => (cx, own),
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
            .set_attribute(KeyValue::new(CORRELATION_ID, correlation_id.clone()));
    }
    let active = instruments.active.enter(facts.method, facts.scheme);
    let guard = RequestGuard::new(instruments.clone(), cx.clone(), facts, active);
    Entered {
        cx,
        guard: Some(guard),
        correlation_id,
    }
}

/// Whether the current span is the server span of the request that this thread is working on.
fn already_served() -> bool {
    let serving = SERVING.get();
    serving != SpanId::INVALID
        && Context::map_current(|cx| cx.span().span_context().span_id()) == serving
}

/// While it lives, the request's context is current.
pub(crate) struct Serving {
    previous: SpanId,
    _attached: opentelemetry::ContextGuard,
}

impl Serving {
    pub(crate) fn enter(cx: &Context) -> Self {
        let previous = SERVING.replace(cx.span().span_context().span_id());
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
