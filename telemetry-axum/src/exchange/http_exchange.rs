//! One request by the HTTP conventions.

use std::{borrow::Cow, sync::Arc};

use http::Version;
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanRef, TraceContextExt},
};
use telemetry_api::instrument::tracer::is_recorded;
use telemetry_semconv::{
    http as semconv_http,
    http::attribute::{
        HTTP_REQUEST_BODY_SIZE, HTTP_RESPONSE_BODY_SIZE, HTTP_RESPONSE_STATUS_CODE, HTTP_ROUTE,
    },
};

use super::http_attributes;
use crate::{
    handler::operation_name::Operation,
    metrics::{
        request_group::RequestGroup,
        request_metrics::RequestMetrics,
        request_series::{EndLabels, StartLabels},
    },
    request::incoming_request::IncomingRequest,
    response::{access_log, access_log::Unrouted, ended_request::EndedRequest, outcome::ErrorType},
};

/// The facts that are kept of an HTTP request until its end.
#[derive(Debug)]
pub(crate) struct HttpExchange {
    group: Arc<RequestGroup>,
    https: bool,
    version: Version,
    /// For the access line of a request without a route.
    unrouted: Option<Box<Unrouted>>,
}

impl HttpExchange {
    pub(crate) fn new(request: &IncomingRequest<'_>, metrics: &RequestMetrics) -> Self {
        let route = request.route();
        let unrouted = (request.options.access_log && route.is_none())
            .then(|| Box::new(Unrouted::of(request)));
        Self {
            unrouted,
            group: metrics.group(&StartLabels {
                method: request.known_method(),
                route,
                known_server: request.known_server(),
            }),
            https: request.https,
            version: request.version,
        }
    }

    pub(crate) fn span_name(&self) -> Cow<'static, str> {
        self.group.span_name.clone()
    }

    pub(crate) fn start_attributes(&self, request: &IncomingRequest<'_>) -> Vec<KeyValue> {
        http_attributes::at_start(&self.group, request)
    }

    pub(crate) fn enter(&self) {
        self.group.active.enter(self.https);
    }

    /// Leaves the count that [`enter`](Self::enter) has raised: it depends on the method and the server, which stay the
    /// same when the request gets a route.
    pub(crate) fn leave(&self) {
        self.group.active.leave(self.https);
    }

    /// Gives a request without a route the route of this operation, also on its span.
    pub(crate) fn name(&mut self, operation: &Operation, metrics: &RequestMetrics, cx: &Context) {
        if self.group.labels.route.is_some() {
            return;
        }
        self.group = metrics.group(&StartLabels {
            route: Some(operation.route()),
            ..self.group.labels.borrowed()
        });
        let span = cx.span();
        if is_recorded(&span) {
            span.update_name(self.group.span_name.clone());
            let route = self.group.labels.route.clone();
            span.set_attributes(route.map(|route| KeyValue::new(HTTP_ROUTE, route)));
        }
    }

    pub(crate) fn record(
        &self,
        ended: &EndedRequest,
        metrics: &RequestMetrics,
        with_sizes: bool,
        cx: &Context,
    ) {
        let error = error_type(ended);
        let span = cx.span();
        if is_recorded(&span) {
            complete_span(&span, ended, error, with_sizes);
        }
        let series = metrics.series(
            &self.group,
            EndLabels {
                https: self.https,
                version: self.version,
                status: ended.status_code(),
                error,
            },
        );
        series.duration.record(ended.seconds, span.span_context());
        if with_sizes {
            let (request, response) = (ended.request_bytes, ended.response_bytes);
            metrics.sizes.record(&series, request, response);
        }
    }

    pub(crate) fn write_access_log(&self, ended: &EndedRequest) {
        let labels = &self.group.labels;
        let route = labels.route.as_deref();
        let unrouted = self.unrouted.as_deref().filter(|_| route.is_none());
        access_log::write_request(labels.method, route, unrouted, ended);
    }
}

/// `error.type`: the outcome if the service has caused it, else the status if it is an error. A status of 5xx stays an
/// error if the client does not read the whole response.
fn error_type(ended: &EndedRequest) -> ErrorType {
    match (ended.outcome.error_type(), ended.status_code()) {
        (Some(error), _) => ErrorType::Outcome(error),
        (None, Some(status)) if semconv_http::is_server_error(status) => ErrorType::Status(status),
        (None, _) => ErrorType::None,
    }
}

fn complete_span(span: &SpanRef<'_>, ended: &EndedRequest, error: ErrorType, with_sizes: bool) {
    if let Some(status) = ended.status_code() {
        span.set_attribute(KeyValue::new(HTTP_RESPONSE_STATUS_CODE, i64::from(status)));
    }
    if with_sizes {
        let size = |name, bytes| KeyValue::new(name, i64::try_from(bytes).unwrap_or(i64::MAX));
        let request = ended.request_bytes;
        let request = request.map(|bytes| size(HTTP_REQUEST_BODY_SIZE, bytes));
        let response = size(HTTP_RESPONSE_BODY_SIZE, ended.response_bytes);
        span.set_attributes(request.into_iter().chain([response]));
    }
    ended.outcome.mark(span, error.value());
}
