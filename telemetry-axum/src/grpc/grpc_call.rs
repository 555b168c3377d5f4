//! One gRPC call, from its request to its trailers.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use opentelemetry::{Context, KeyValue, trace::TraceContextExt};
use telemetry_api::instrument::tracer::is_recorded;
use telemetry_semconv::{
    http::{
        Authority,
        attribute::{SERVER_ADDRESS, SERVER_PORT},
    },
    rpc as semconv_rpc,
    rpc::{
        GRPC, OTHER_METHOD,
        attribute::{RPC_METHOD, RPC_METHOD_ORIGINAL, RPC_RESPONSE_STATUS_CODE, RPC_SYSTEM_NAME},
    },
};

use super::grpc_status::{CANCELLED, UNIMPLEMENTED, UNKNOWN, is_server_error, status_name};
use crate::{
    metrics::call_metrics::{CallLabels, CallMetrics},
    options::attribute_limit::limited,
    request::{connection_attributes, incoming_request::IncomingRequest},
    response::{access_log, ended_request::EndedRequest, outcome::Outcome},
};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// The facts that are kept of a gRPC call until its end.
#[derive(Debug)]
pub(crate) struct GrpcCall {
    /// `package.Service/Method`, as the caller has sent it.
    method: Arc<str>,
    /// The method is on the list of methods.
    is_listed: bool,
    /// There is no list, so the answer tells if the method exists.
    allows_any: bool,
    /// The answer comes from a gRPC service, and not from something else on the same port.
    is_answered_as_grpc: bool,
    /// The name of the status, once the server has sent one.
    status: Option<&'static str>,
}

impl GrpcCall {
    /// The call; `None` if the layer does not look for calls, or the request is not one.
    pub(crate) fn of(request: &IncomingRequest<'_>) -> Option<Self> {
        let methods = request.options.grpc_methods.as_ref()?;
        if !has_grpc_content(request.headers) {
            return None;
        }
        let method = limited(request.local_path().trim_start_matches('/'));
        Some(Self {
            method: Arc::from(method),
            is_listed: methods.lists(method),
            allows_any: methods.allows_any(),
            is_answered_as_grpc: false,
            status: None,
        })
    }

    /// The method, unless a list says that it does not exist.
    pub(crate) fn span_name(&self) -> String {
        if self.is_listed || self.allows_any {
            self.method.as_ref().to_owned()
        } else {
            GRPC.to_owned()
        }
    }

    pub(crate) fn start_attributes(&self, request: &IncomingRequest<'_>) -> Vec<KeyValue> {
        let mut attributes = Vec::with_capacity(12);
        attributes.push(KeyValue::new(RPC_SYSTEM_NAME, GRPC));
        if self.is_listed {
            attributes.push(KeyValue::new(RPC_METHOD, self.method.clone()));
        }
        if let Some(Authority { host, port }) = request.host().and_then(Authority::parse) {
            attributes.push(KeyValue::new(SERVER_ADDRESS, host.to_owned()));
            attributes.extend(port.map(|port| KeyValue::new(SERVER_PORT, i64::from(port))));
        }
        connection_attributes::add(request, &mut attributes);
        attributes
    }

    /// Reads the headers of the answer. An answer without a message has its status there.
    pub(crate) fn response_head(&mut self, headers: &HeaderMap) {
        self.is_answered_as_grpc = has_grpc_content(headers);
        self.trailers(headers);
    }

    /// Reads the status from the trailers.
    pub(crate) fn trailers(&mut self, headers: &HeaderMap) {
        if let Some(code) = headers.get(GRPC_STATUS) {
            self.status = Some(status_name(code.as_bytes()));
        }
    }

    /// Completes the span, and records the duration.
    pub(crate) fn record(&self, ended: &EndedRequest, metrics: &CallMetrics, cx: &Context) {
        let labels = self.labels(ended);
        let span = cx.span();
        if is_recorded(&span) {
            if !self.is_listed {
                span.set_attribute(KeyValue::new(RPC_METHOD, labels.method.clone()));
            }
            if *labels.method == *OTHER_METHOD {
                span.update_name(GRPC);
                span.set_attribute(KeyValue::new(RPC_METHOD_ORIGINAL, self.method.clone()));
            }
            if let Some(status) = labels.status {
                span.set_attribute(KeyValue::new(RPC_RESPONSE_STATUS_CODE, status));
            }
            ended.outcome.mark(&span, labels.error.map(Into::into));
        }
        metrics.record(&labels, ended.seconds, span.span_context());
    }

    pub(crate) fn write_access_log(&self, ended: &EndedRequest) {
        let labels = self.labels(ended);
        access_log::write_call(&labels.method, labels.status, ended);
    }

    fn labels(&self, ended: &EndedRequest) -> CallLabels {
        let status = self.status.or_else(|| assumed_status(ended));
        let error = ended.outcome.error_type();
        CallLabels {
            method: if self.exists() {
                self.method.clone()
            } else {
                Arc::from(OTHER_METHOD)
            },
            status,
            error: error.or_else(|| status.filter(|status| is_server_error(status))),
        }
    }

    /// Without a list of methods, a method exists if a gRPC service has answered and its status is not
    /// `UNIMPLEMENTED`. Callers can invent any other method, so it must not become a label.
    fn exists(&self) -> bool {
        let is_answered = match self.status {
            Some(status) => status != UNIMPLEMENTED,
            None => self.is_answered_as_grpc,
        };
        self.is_listed || self.allows_any && is_answered
    }
}

/// The status of a call whose server has sent none, as clients see it. `None` if the service has failed.
fn assumed_status(ended: &EndedRequest) -> Option<&'static str> {
    if ended.outcome.error_type().is_some() {
        return None;
    }
    Some(match ended.status {
        Some(http) if http != StatusCode::OK => semconv_rpc::status_code_of_http(http.as_u16()),
        _ if ended.outcome == Outcome::Completed => UNKNOWN,
        _ => CANCELLED,
    })
}

/// Returns true if the content type is `application/grpc`, with or without a format or parameters. gRPC-Web is
/// excluded, because its status is not in the trailers.
fn has_grpc_content(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE);
    let content_type = content_type.map(HeaderValue::as_bytes);
    let rest = content_type.and_then(|text| text.strip_prefix(b"application/grpc"));
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}
