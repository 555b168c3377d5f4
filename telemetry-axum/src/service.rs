//! The service: the way of one request into the application.

use std::{
    fmt,
    sync::Arc,
    task::{Context as TaskContext, Poll},
};

use axum::extract::MatchedPath;
use http::{Request, Response};
use tower_service::Service;

use crate::{
    handler::operation_name::Operation,
    layer_state::LayerState,
    request::{
        incoming_request::{matched_route, original_uri},
        read_body, seen,
    },
    request_start,
    response_body::ResponseBody,
    response_future::ResponseFuture,
    tracking::{CorrelationOnly, Tracking},
};

/// Marks a request that a layer records, so that a second layer around it does nothing.
///
/// The mark is an extension of the request. The current context cannot serve as a mark: between the two layers a step
/// may be current, and a handler may send requests of its own.
#[derive(Clone, Copy, Debug)]
struct RecordedMark;

/// The service of [`TelemetryLayer`](crate::TelemetryLayer). It wraps any service from `http::Request` to
/// `http::Response`: an axum router, or a service for hyper or tonic.
#[derive(Clone, Debug)]
pub struct TelemetryService<S> {
    inner: S,
    layer: Arc<LayerState>,
}

impl<S> TelemetryService<S> {
    pub(crate) fn new(inner: S, layer: Arc<LayerState>) -> Self {
        Self { inner, layer }
    }

    /// Decides how the layer takes part in a request, and starts its span.
    fn track<B: http_body::Body + 'static>(&self, request: &mut Request<B>) -> Tracking {
        seen::note();
        if self.is_excluded(request) {
            return Tracking::Inactive;
        }
        let Some(telemetry) = self.layer.telemetry.get() else {
            let correlation = CorrelationOnly::new(&self.layer, request);
            return correlation.map_or(Tracking::Inactive, Tracking::CorrelationOnly);
        };
        if request.extensions_mut().insert(RecordedMark).is_some() {
            let route = request.extensions().get::<MatchedPath>().cloned();
            return Tracking::ByOuterLayer(route.map(Operation::matched));
        }
        let mut guard = request_start::start(&self.layer, telemetry, request);
        let version = request.version();
        guard.watch(read_body::watch(request.body_mut(), version));
        Tracking::Recorded(guard)
    }

    fn is_excluded<B>(&self, request: &Request<B>) -> bool {
        let (extensions, uri) = (request.extensions(), request.uri());
        self.layer.options.excluded_routes.matches(
            uri.path(),
            || original_uri(extensions, uri).path(),
            || matched_route(extensions),
        )
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
        let mut tracking = self.track(&mut request);
        // A service may do all of its work in `call`, so the context is attached here too.
        let current = tracking.attach();
        let future = match &mut tracking {
            Tracking::Recorded(guard) => {
                guard.carry();
                guard.poll(|| self.inner.call(request))
            }
            _ => self.inner.call(request),
        };
        drop(current);
        ResponseFuture::new(future, tracking)
    }
}
