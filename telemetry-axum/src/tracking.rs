//! The part that a layer plays in one request.

use std::sync::Arc;

use http::{HeaderMap, Request};
use opentelemetry::{
    Context, ContextGuard,
    trace::{TraceContextExt, TraceId},
};
use telemetry_api::{CorrelationId, instrument::propagation::PresentHeaders};

use crate::{
    handler::operation_name::Operation, layer_state::LayerState, request::correlation_headers,
    request_guard::RequestGuard,
};

/// The part that a layer plays in one request, from its arrival to the end of its response.
#[derive(Debug)]
pub(crate) enum Tracking {
    /// Nothing is left to do: the route is excluded, or the request or its body has ended.
    Inactive,
    /// Another layer, further out, records the request. It stands where the route may not be known yet, so this layer
    /// tells it the route.
    ByOuterLayer(Option<Operation>),
    /// There is no pipeline, so the request only has a correlation id.
    CorrelationOnly(CorrelationOnly),
    /// The request is recorded. After its end, its context stays the one of the response's body.
    Recorded(RequestGuard),
}

/// The correlation id of a request that nothing records.
#[derive(Debug)]
pub(crate) struct CorrelationOnly {
    cx: Context,
    layer: Arc<LayerState>,
}

impl Tracking {
    /// Makes the context of the request current until the returned guard is dropped. `None` if it has no context.
    #[inline]
    pub(crate) fn attach(&self) -> Option<ContextGuard> {
        match self {
            Self::Inactive | Self::ByOuterLayer(_) => None,
            Self::CorrelationOnly(CorrelationOnly { cx, .. }) => Some(cx.clone().attach()),
            Self::Recorded(guard) => Some(guard.attach()),
        }
    }
}

impl CorrelationOnly {
    /// The caller's id, or a random one. `None` if there is an id already: only another layer has set it.
    pub(crate) fn new<B>(layer: &Arc<LayerState>, request: &Request<B>) -> Option<Self> {
        if Context::map_current(has_correlation_id) {
            return None;
        }
        let (headers, names) = (request.headers(), &layer.options.correlation_headers);
        let id = correlation_headers::read(headers, PresentHeaders::of(headers), names);
        let cx = match id {
            Some(id) => id.attach_to(&Context::new()),
            None => CorrelationId::untraced_context(),
        };
        let layer = layer.clone();
        Some(Self { cx, layer })
    }

    /// Sets the id in the headers of the response.
    pub(crate) fn echo(&self, headers: &mut HeaderMap) {
        let names = &self.layer.options.correlation_headers;
        correlation_headers::echo(&self.cx, names, headers);
    }
}

/// Cheaper than [`CorrelationId::of`], which makes the text of the id.
fn has_correlation_id(cx: &Context) -> bool {
    cx.span().span_context().trace_id() != TraceId::INVALID || CorrelationId::foreign(cx).is_some()
}
