//! The lifecycle of a request: it ends exactly once, on every way out.

use std::{panic::resume_unwind, sync::Arc, thread, time::Instant};

use bytes::Buf;
use http::{HeaderMap, Method, Response, StatusCode, header};
use opentelemetry::{Context, ContextGuard, trace::TraceContextExt};
use telemetry_api::{
    Principal,
    current_span::{self, panic_was_logged},
    instrument::{carrier::carrier, tracer::is_recorded},
    principal::Naming,
};
use tracing::Span;

use crate::{
    exchange::Exchange,
    handler::operation_name::Operation,
    layer_state::LayerState,
    request::{correlation_headers, read_body::ReadBody},
    response::{
        ended_request::EndedRequest,
        exception_log::{Exception, catch_panic, log_safely, panic_message},
        outcome::Outcome,
        trace_headers,
    },
};

/// Ends its request when it is dropped, if nothing has ended it before. The future of the response owns the guard
/// first, then the body of the response.
#[derive(Debug)]
pub(crate) struct RequestGuard {
    layer: Arc<LayerState>,
    cx: Context,
    exchange: Exchange,
    started: Instant,
    bodiless: Bodiless,
    /// Takes the context to the tasks that the handler spawns by the idioms of `tracing`.
    carrier: Span,
    status: Option<StatusCode>,
    read: Option<ReadBody>,
    sent: u64,
    /// The length of the response's body, if the body or its Content-Length declares one.
    declared_length: Option<u64>,
    /// The service has named the principal of the request.
    is_identified: bool,
    is_ended: bool,
}

/// The responses to a request that have no body, whatever their headers declare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bodiless {
    /// Only those whose status forbids a body.
    ByStatus,
    /// All of them: the method is HEAD.
    Always,
    /// Also the successful ones: the method is CONNECT, and the bytes that follow belong to the tunnel.
    OnSuccess,
}

impl RequestGuard {
    /// Starts the lifecycle: from now on the request is counted as active.
    pub(crate) fn new(
        layer: Arc<LayerState>,
        cx: Context,
        exchange: Exchange,
        method: &Method,
    ) -> Self {
        exchange.enter();
        Self {
            layer,
            cx,
            exchange,
            started: Instant::now(),
            bodiless: match *method {
                Method::HEAD => Bodiless::Always,
                Method::CONNECT => Bodiless::OnSuccess,
                _ => Bodiless::ByStatus,
            },
            carrier: Span::none(),
            status: None,
            read: None,
            sent: 0,
            declared_length: None,
            is_identified: false,
            is_ended: false,
        }
    }

    /// Sets the facts about the request's body.
    pub(crate) fn watch(&mut self, read: Option<ReadBody>) {
        self.read = read;
    }

    /// Makes the context of the request current until the returned guard is dropped.
    #[inline]
    pub(crate) fn attach(&self) -> ContextGuard {
        self.cx.clone().attach()
    }

    /// [Polls](Self::poll) a handler. Below spans of its own, a handler still finds the server span as the entry span,
    /// and it may name the principal of the request.
    pub(crate) fn poll_handler<T>(&mut self, poll: impl FnOnce() -> T) -> T {
        let _served = current_span::serve(&self.cx);
        let naming = Naming::begin();
        let polled = self.poll_carried(poll);
        if let Some(principal) = naming.end() {
            self.identify(principal);
        }
        self.resume(polled)
    }

    /// Polls code of the application while the request's context is [attached](Self::attach). A panic ends the request
    /// and is resumed.
    pub(crate) fn poll<T>(&mut self, poll: impl FnOnce() -> T) -> T {
        let polled = self.poll_carried(poll);
        self.resume(polled)
    }

    /// Makes the carrier of the context if the layer is asked for one, while the context is [attached](Self::attach).
    pub(crate) fn carry(&mut self) {
        if self.layer.options.tracing_span {
            self.carrier = carrier();
        }
    }

    #[inline]
    fn poll_carried<T>(&self, poll: impl FnOnce() -> T) -> thread::Result<T> {
        catch_panic(|| self.carrier.in_scope(poll))
    }

    #[inline]
    fn resume<T>(&mut self, polled: thread::Result<T>) -> T {
        match polled {
            Ok(polled) => polled,
            Err(payload) => {
                let message = panic_message(&*payload);
                let exception = Exception {
                    kind: "panic",
                    message: &message,
                };
                let exception = (!panic_was_logged()).then_some(exception);
                self.end(Outcome::Panicked, exception);
                resume_unwind(payload)
            }
        }
    }

    /// Takes the principal that the service has named. Only the first one counts.
    #[cold]
    fn identify(&mut self, principal: Principal) {
        if !std::mem::replace(&mut self.is_identified, true) {
            self.cx = principal.attach_to(&self.cx);
        }
    }

    /// Reads the head of the response, and adds the headers for the caller.
    pub(crate) fn response_head<B: http_body::Body>(&mut self, response: &mut Response<B>) {
        self.status = Some(response.status());
        let content_length = || {
            let length = response.headers().get(header::CONTENT_LENGTH)?;
            length.to_str().ok()?.parse().ok()
        };
        let body_length = response.body().size_hint().exact();
        self.declared_length = body_length.or_else(content_length);
        if let Some(operation) = response.extensions().get::<Operation>() {
            self.exchange.name(operation, &self.layer, &self.cx);
        }
        let options = &self.layer.options;
        let span = self.cx.span();
        let headers = response.headers_mut();
        if is_recorded(&span) {
            let captured = self.exchange.captured_response(options);
            span.set_attributes(captured.attributes(headers, &options.redacted_headers));
        }
        self.exchange.response_head(headers);
        correlation_headers::echo(&self.cx, &options.correlation_headers, headers);
        if options.traceresponse {
            trace_headers::set_traceresponse(span.span_context(), headers);
        }
        if options.server_timing {
            trace_headers::add_server_timing(span.span_context(), headers);
        }
    }

    /// Counts bytes of the response's body that are handed to the server. Returns true if the declared length is
    /// reached: then a server may not poll the body again.
    pub(crate) fn sent(&mut self, data: &impl Buf) -> bool {
        self.sent += data.remaining() as u64;
        self.exchange.data(data);
        self.exchange.ends_at_declared_length()
            && self
                .declared_length
                .is_some_and(|length| self.sent >= length)
    }

    /// Reads the trailers of the response.
    pub(crate) fn trailers(&mut self, trailers: &HeaderMap) {
        let span = self.cx.span();
        if is_recorded(&span) {
            let options = &self.layer.options;
            let captured = self.exchange.captured_trailers(options);
            let captured = captured.map(|it| it.attributes(trailers, &options.redacted_headers));
            span.set_attributes(captured.into_iter().flatten());
        }
        self.exchange.trailers(trailers);
    }

    /// Ends the request: the whole response was sent.
    pub(crate) fn completed(&mut self) {
        self.end(Outcome::Completed, None);
    }

    /// Ends the request: the service returned an error instead of a response.
    pub(crate) fn service_error(mut self, error: Exception<'_>) {
        self.end(Outcome::ServiceError, Some(error));
    }

    /// Ends the request: the body of the response failed.
    pub(crate) fn body_error(&mut self, error: Exception<'_>) {
        self.end(Outcome::BodyError, Some(error));
    }

    /// Ends the request: the body of the response was dropped before its end. Servers do that with a body that they do
    /// not send, and with one that has reached its declared length.
    pub(crate) fn body_dropped(&mut self) {
        let has_no_body = match (self.bodiless, self.status) {
            (Bodiless::Always, _) => true,
            (Bodiless::OnSuccess, Some(status)) if status.is_success() => true,
            (_, Some(status)) => {
                status.is_informational()
                    || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            }
            (_, None) => false,
        };
        let is_whole =
            self.exchange.ends_at_declared_length() && self.declared_length == Some(self.sent);
        if has_no_body || is_whole {
            self.end(Outcome::Completed, None);
        } else {
            self.end(outcome_of_drop(), None);
        }
    }

    fn end(&mut self, outcome: Outcome, exception: Option<Exception<'_>>) {
        if std::mem::replace(&mut self.is_ended, true) {
            return;
        }
        self.exchange.body_ended();
        let is_cut_off = self.is_cut_off(outcome);
        let (outcome, exception, status) = if is_cut_off {
            (Outcome::ClientDisconnected, None, None)
        } else {
            (outcome, exception, self.status)
        };
        let ended = EndedRequest {
            outcome,
            status,
            seconds: self.started.elapsed().as_secs_f64(),
            request_bytes: self.read.as_ref().map(ReadBody::bytes),
            response_bytes: self.sent,
        };
        if exception.is_some() || self.layer.options.access_log {
            self.log(&ended, exception);
        }
        // The span ends last: its end runs span processors of the application, which may panic.
        self.exchange.leave();
        let span = self.cx.span();
        if let Some(principal) = Principal::of(&self.cx) {
            principal.record_at_end(&span);
        }
        self.exchange.record(&ended, &self.layer, &self.cx);
        if is_recorded(&span) {
            span.end();
        }
    }

    /// True if the client left while it sent the body of the request. The answer to half a body, often a status of 500, is
    /// no failure of the service then, and nobody receives it.
    fn is_cut_off(&self, outcome: Outcome) -> bool {
        self.read.as_ref().is_some_and(|read| match outcome {
            Outcome::Panicked => false,
            Outcome::ClientDisconnected => read.is_cut_off() || read.ends_early(),
            _ => read.is_cut_off(),
        })
    }

    #[cold]
    fn log(&self, ended: &EndedRequest, exception: Option<Exception<'_>>) {
        // Log lines take their ids from the current context. A drop may happen outside of every context, and the principal
        // may have been named after this one was attached.
        let _current = self.attach();
        if let Some(exception) = exception {
            log_safely(|| exception.record());
        }
        if self.layer.options.access_log {
            log_safely(|| self.exchange.write_access_log(ended));
        }
    }
}

/// The outcome of a request that is dropped before its end.
fn outcome_of_drop() -> Outcome {
    if thread::panicking() {
        Outcome::Panicked
    } else {
        Outcome::ClientDisconnected
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        if !self.is_ended {
            self.end(outcome_of_drop(), None);
        }
    }
}
