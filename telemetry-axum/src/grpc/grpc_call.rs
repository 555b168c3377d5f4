//! One gRPC call, from its request to its trailers.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, StatusCode};
use opentelemetry::{Array, Context, KeyValue, Value, trace::TraceContextExt};
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
        is_server_error,
    },
};

use super::{
    content_kind::ContentKind,
    deadline,
    grpc_status::{CANCELLED, DEADLINE_EXCEEDED, UNIMPLEMENTED, UNKNOWN, is_refusal, status_name},
    status_message,
    web_trailers::WebTrailers,
};
use crate::{
    metrics::call_metrics::{CallLabels, CallMetrics},
    options::{attribute_limit::limited, grpc_methods::GrpcMethods},
    request::{
        connection_attributes,
        incoming_request::{IncomingRequest, matched_route},
    },
    response::{access_log, ended_request::EndedRequest, outcome::Outcome},
};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// The span attribute with the message of the status, as the conventions name a captured trailer.
const STATUS_MESSAGE: &str = "rpc.response.metadata.grpc-message";

/// The facts that are kept of a gRPC call until its end.
#[derive(Debug)]
pub(crate) struct GrpcCall {
    /// `package.Service/Method`, as the caller has sent it.
    method: Arc<str>,
    methods: GrpcMethods,
    /// The list of methods, the router or an earlier answer says that the method exists.
    is_known: bool,
    /// The head of an answer of gRPC has arrived, whose status comes later.
    is_streaming: bool,
    /// A service, and not a layer in front of it, has answered.
    is_answered: bool,
    /// The name of the status, once the server has sent one.
    status: Option<&'static str>,
    /// The message of the status, if the span is to show one.
    message: Option<String>,
    /// The time that the call has; `None` if nobody has limited it.
    deadline: Option<Duration>,
    /// The reader of an answer of gRPC-Web.
    web: Option<WebTrailers>,
}

impl GrpcCall {
    /// The call; `None` if the layer does not look for calls, or the request is not one.
    pub(crate) fn of(request: &IncomingRequest<'_>) -> Option<Self> {
        let options = request.options;
        let methods = options.grpc_methods.as_ref()?;
        ContentKind::of(request.headers)?;
        methods.warn_of_options_without_effect(&options.without_effect_on_calls());
        let method = limited(request.local_path().trim_start_matches('/'));
        let is_routed = || {
            // A route with parameters is the route of a whole service, or of all.
            let route = matched_route(request.extensions).filter(|route| !route.contains('{'));
            route.is_some_and(|route| route.trim_start_matches('/') == method)
        };
        let is_known = methods.lists(method)
            || methods.allows_any() && (is_routed() || methods.was_answered(method));
        Some(Self {
            method: Arc::from(method),
            methods: methods.clone(),
            is_known,
            is_streaming: false,
            is_answered: false,
            status: None,
            message: None,
            deadline: deadline::of(request.headers, options.grpc_timeout),
            web: None,
        })
    }

    /// The method, unless a list says that it does not exist.
    pub(crate) fn span_name(&self) -> String {
        if self.is_known || self.methods.allows_any() {
            self.method.as_ref().to_owned()
        } else {
            GRPC.to_owned()
        }
    }

    pub(crate) fn start_attributes(&self, request: &IncomingRequest<'_>) -> Vec<KeyValue> {
        let mut attributes = Vec::with_capacity(12);
        attributes.push(KeyValue::new(RPC_SYSTEM_NAME, GRPC));
        if self.is_known {
            attributes.push(KeyValue::new(RPC_METHOD, self.method.clone()));
        }
        if let Some(path) = request.unix_socket().and_then(|socket| socket.path.clone()) {
            attributes.push(KeyValue::new(SERVER_ADDRESS, path));
        } else if let Some(Authority { host, port }) = request.host().and_then(Authority::parse) {
            attributes.push(KeyValue::new(SERVER_ADDRESS, host.to_owned()));
            attributes.extend(port.map(|port| KeyValue::new(SERVER_PORT, i64::from(port))));
        }
        connection_attributes::add(request, &mut attributes);
        let options = request.options;
        let captured = &options.captured_request_metadata;
        attributes.extend(captured.attributes(request.headers, &options.redacted_headers));
        attributes
    }

    /// Reads the headers of the answer. An answer without a message has its status there.
    pub(crate) fn response_head(&mut self, headers: &HeaderMap) {
        let kind = ContentKind::of(headers);
        self.web = match kind {
            Some(ContentKind::Web) => Some(WebTrailers::new(false)),
            Some(ContentKind::WebText) => Some(WebTrailers::new(true)),
            Some(ContentKind::Plain) | None => None,
        };
        self.read_status(headers);
        match self.status {
            // A layer that refuses a call sends its status without a message.
            Some(status) => self.is_answered = !is_refusal(status),
            None => self.is_streaming = kind.is_some(),
        }
    }

    /// Reads the next bytes of the answer.
    pub(crate) fn data(&mut self, bytes: &[u8]) {
        if let Some(web) = &mut self.web {
            web.read(bytes);
        }
    }

    /// Reads the status from the trailers.
    pub(crate) fn trailers(&mut self, headers: &HeaderMap) {
        self.read_status(headers);
        self.is_answered |= match self.status {
            Some(status) => !is_refusal(status) || self.is_streaming && status != UNIMPLEMENTED,
            None => self.is_streaming,
        };
    }

    /// Reads the trailers that have come in the body.
    pub(crate) fn body_ended(&mut self) {
        if let Some(web) = self.web.take() {
            self.trailers(&web.headers());
        }
    }

    fn read_status(&mut self, headers: &HeaderMap) {
        if let Some(code) = headers.get(GRPC_STATUS) {
            self.status = Some(status_name(code.as_bytes()));
            self.message = status_message::of(headers);
        }
    }

    /// Completes the span, and records the duration.
    pub(crate) fn record(&self, ended: &EndedRequest, metrics: &CallMetrics, cx: &Context) {
        let ended = &self.judged(ended);
        let labels = self.labels(ended);
        let span = cx.span();
        if is_recorded(&span) {
            if !self.is_known {
                span.set_attribute(KeyValue::new(RPC_METHOD, labels.method.clone()));
            }
            if *labels.method == *OTHER_METHOD {
                span.update_name(GRPC);
                span.set_attribute(KeyValue::new(RPC_METHOD_ORIGINAL, self.method.clone()));
            }
            if let Some(status) = labels.status {
                span.set_attribute(KeyValue::new(RPC_RESPONSE_STATUS_CODE, status));
            }
            if let Some(message) = &self.message {
                let message = Array::String(vec![message.clone().into()]);
                span.set_attribute(KeyValue::new(STATUS_MESSAGE, Value::Array(message)));
            }
            ended.outcome.mark(&span, labels.error.map(Into::into));
        }
        metrics.record(&labels, ended.seconds, span.span_context());
    }

    pub(crate) fn write_access_log(&self, ended: &EndedRequest) {
        let ended = &self.judged(ended);
        let labels = self.labels(ended);
        access_log::write_call(&labels.method, labels.status, ended);
    }

    /// The end of a call that was abandoned without a status is its deadline, if that has passed: servers and callers both
    /// drop such a call.
    fn judged(&self, ended: &EndedRequest) -> EndedRequest {
        let is_abandoned = self.status.is_none() && ended.outcome == Outcome::ClientDisconnected;
        let has_passed = |deadline| deadline::has_passed(deadline, ended.seconds);
        if is_abandoned && self.deadline.is_some_and(has_passed) {
            EndedRequest {
                outcome: Outcome::DeadlineExceeded,
                ..*ended
            }
        } else {
            *ended
        }
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

    /// Without a list of methods, a method exists if the router has exactly it, or if a service has answered it, now or
    /// before. Callers can invent any other method, so it must not become a label.
    fn exists(&self) -> bool {
        let is_answered = self.is_answered || self.is_streaming && self.status.is_none();
        if self.methods.allows_any() && is_answered && !self.is_known {
            self.methods.remember(&self.method);
            return true;
        }
        self.is_known
    }
}

/// The status of a call whose server has sent none, as clients see it. `None` if the service has failed.
fn assumed_status(ended: &EndedRequest) -> Option<&'static str> {
    if ended.outcome.error_type().is_some() {
        return None;
    }
    Some(match ended.status {
        _ if ended.outcome == Outcome::DeadlineExceeded => DEADLINE_EXCEEDED,
        Some(http) if http != StatusCode::OK => semconv_rpc::status_code_of_http(http.as_u16()),
        _ if ended.outcome == Outcome::Completed => UNKNOWN,
        _ => CANCELLED,
    })
}
