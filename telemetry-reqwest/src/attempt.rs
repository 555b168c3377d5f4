//! One attempt: its client span and duration, ended exactly once.

use std::{sync::Arc, time::Instant};

use http::header;
use opentelemetry::{
    Context, KeyValue, StringValue,
    trace::{SpanKind, Status, TraceContextExt},
};
use reqwest::{Request, Response};
use reqwest_middleware::Result;
use telemetry_core::semconv_http::{
    self,
    attribute::{
        ERROR_TYPE, HTTP_REQUEST_METHOD, HTTP_REQUEST_METHOD_ORIGINAL, HTTP_REQUEST_RESEND_COUNT,
        HTTP_RESPONSE_STATUS_CODE, NETWORK_PEER_ADDRESS, NETWORK_PEER_PORT,
        NETWORK_PROTOCOL_VERSION, SERVER_ADDRESS, SERVER_PORT, URL_FULL, USER_AGENT_ORIGINAL,
    },
};

use crate::{
    error_type::{ErrorType, error_type},
    metrics::{ClientInstruments, Labels},
};

/// How an attempt ended, if it did not get to a response or an error.
const OUTCOME: &str = "telemetry.outcome";

#[derive(Debug)]
pub(crate) struct Attempt {
    instruments: Arc<ClientInstruments>,
    cx: Context,
    started: Instant,
    method: &'static str,
    host: Box<str>,
    port: Option<u16>,
    ended: bool,
}

/// What is known at the end.
#[derive(Default)]
struct End {
    status: Option<u16>,
    version: Option<&'static str>,
    error: ErrorType,
    attributes: Vec<KeyValue>,
}

impl Attempt {
    pub(crate) fn start(
        instruments: Arc<ClientInstruments>,
        request: &Request,
        resends: u32,
    ) -> Self {
        let method = semconv_http::known_method(request.method());
        let url = request.url();
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let port = url.port_or_known_default();
        let cx = Context::map_current(|parent| {
            instruments.tracer.start(
                parent,
                semconv_http::span_name(method, None),
                SpanKind::Client,
                || {
                    // Room for those set at the end, so that they do not move the vector.
                    let mut attributes = Vec::with_capacity(12);
                    attributes.push(KeyValue::new(HTTP_REQUEST_METHOD, method));
                    if method == semconv_http::OTHER_METHOD {
                        let original = request.method().as_str().to_owned();
                        attributes.push(KeyValue::new(HTTP_REQUEST_METHOD_ORIGINAL, original));
                    }
                    attributes.push(KeyValue::new(
                        URL_FULL,
                        semconv_http::redact_url(url.as_str()).into_owned(),
                    ));
                    attributes.push(KeyValue::new(SERVER_ADDRESS, host.to_owned()));
                    attributes.extend(port.map(|port| KeyValue::new(SERVER_PORT, i64::from(port))));
                    if resends > 0 {
                        attributes
                            .push(KeyValue::new(HTTP_REQUEST_RESEND_COUNT, i64::from(resends)));
                    }
                    let agent = request
                        .headers()
                        .get(header::USER_AGENT)
                        .and_then(|agent| agent.to_str().ok());
                    attributes.extend(
                        agent.map(|agent| KeyValue::new(USER_AGENT_ORIGINAL, agent.to_owned())),
                    );
                    attributes
                },
            )
        });
        Self {
            instruments,
            cx,
            started: Instant::now(),
            method,
            host: host.into(),
            port,
            ended: false,
        }
    }

    /// The context with the client span, which is what travels to the next service.
    pub(crate) fn context(&self) -> &Context {
        &self.cx
    }

    /// The response's head is there, or will not come.
    pub(crate) fn finish(mut self, result: &Result<Response>) {
        let recorded = telemetry_core::tracer::is_recorded(&self.cx.span());
        let end = match result {
            Ok(response) => received(response, recorded),
            Err(error) => End {
                error: ErrorType::Other(error_type(error)),
                ..End::default()
            },
        };
        self.end(end);
    }

    fn end(&mut self, end: End) {
        self.ended = true;
        let span = self.cx.span();
        if telemetry_core::tracer::is_recorded(&span) {
            let error = end
                .error
                .value()
                .map(|value: StringValue| KeyValue::new(ERROR_TYPE, value));
            span.set_attributes(end.attributes.into_iter().chain(error));
            if end.error != ErrorType::None {
                // The status code, or error.type, says it all, and a message could hold the URL: no description.
                span.set_status(Status::error(""));
            }
        }
        let labels = Labels {
            host: &*self.host,
            port: self.port,
            method: self.method,
            version: end.version,
            status: end.status,
            error: end.error,
        };
        let seconds = self.started.elapsed().as_secs_f64();
        self.instruments
            .duration(&labels)
            .record(seconds, span.span_context());
        span.end();
    }
}

fn received(response: &Response, recorded: bool) -> End {
    let status = response.status().as_u16();
    let version = semconv_http::protocol_version(response.version());
    let error = if semconv_http::is_client_error(status) {
        ErrorType::Status(status)
    } else {
        ErrorType::None
    };
    let mut attributes = Vec::new();
    if recorded {
        attributes.push(KeyValue::new(HTTP_RESPONSE_STATUS_CODE, i64::from(status)));
        attributes.push(KeyValue::new(NETWORK_PROTOCOL_VERSION, version));
        if let Some(peer) = response.remote_addr() {
            attributes.push(KeyValue::new(
                NETWORK_PEER_ADDRESS,
                peer.ip().to_canonical().to_string(),
            ));
            attributes.push(KeyValue::new(NETWORK_PEER_PORT, i64::from(peer.port())));
        }
    }
    End {
        status: Some(status),
        version: Some(version),
        error,
        attributes,
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.ended {
            // By the convention a call that its caller gave up has no error: only its outcome tells.
            self.end(End {
                attributes: vec![KeyValue::new(OUTCOME, "cancelled")],
                ..End::default()
            });
        }
    }
}
