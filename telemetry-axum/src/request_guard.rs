//! The lifecycle of a request: ended exactly once, on whatever way out it takes.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
    thread,
    time::Instant,
};

use http::{HeaderMap, Response, StatusCode, header};
use opentelemetry::{
    Context, KeyValue,
    trace::{Status, TraceContextExt},
};
use telemetry_core::{
    Principal,
    current::{self, panic_was_logged},
    principal::Naming,
    semconv_http::{
        self,
        attribute::{
            ERROR_TYPE, HTTP_REQUEST_BODY_SIZE, HTTP_RESPONSE_BODY_SIZE, HTTP_RESPONSE_STATUS_CODE,
            HTTP_ROUTE,
        },
    },
};

use crate::{
    access_log,
    attributes::RequestFacts,
    correlation, exception,
    grpc::Call,
    metrics::{Ending, ErrorType},
    operation::Operation,
    options::Shared,
    request_body::ReadBytes,
    service::Serving,
    trace_headers,
};

/// How a request ended, if not normally.
pub(crate) const OUTCOME: &str = "telemetry.outcome";

/// Owned by the response future first and by the response body then; whoever drops it ends the request.
#[derive(Debug)]
pub(crate) struct RequestGuard {
    shared: Arc<Shared>,
    cx: Context,
    facts: RequestFacts,
    started: Instant,
    status: Option<StatusCode>,
    read: Option<ReadBytes>,
    sent: u64,
    /// The length of the response's body, if that or its Content-Length says it.
    length: Option<u64>,
    /// The service said on whose behalf the request is.
    identified: bool,
    ended: bool,
    /// What it is if it is none of HTTP's requests.
    call: Option<Call>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    Completed,
    ServiceError,
    Panicked,
    BodyError,
    ClientDisconnected,
}

/// An error's type and message.
type Exception<'a> = Option<(&'static str, &'a dyn fmt::Display)>;

impl RequestGuard {
    /// A request that has not [begun](Self::begin).
    pub(crate) fn new(
        shared: Arc<Shared>,
        cx: Context,
        facts: RequestFacts,
        call: Option<Call>,
    ) -> Self {
        Self {
            shared,
            cx,
            facts,
            started: Instant::now(),
            status: None,
            read: None,
            sent: 0,
            length: None,
            identified: false,
            ended: false,
            call,
        }
    }

    /// It is counted as being served until it ends.
    pub(crate) fn begin(self) -> Self {
        if self.is_http() {
            self.facts.endpoint.active.enter(self.facts.https);
        }
        self
    }

    fn is_http(&self) -> bool {
        self.call.is_none()
    }

    /// The request's bytes are counted here.
    pub(crate) fn counts(&mut self, read: Option<ReadBytes>) {
        self.read = read;
    }

    /// Makes the request's context current.
    pub(crate) fn serve(&self) -> Serving {
        Serving::enter(&self.cx)
    }

    /// [Polls](Self::poll) handlers, who find the request's span below spans of their own, and may say on whose behalf
    /// it is.
    pub(crate) fn handle<T>(&mut self, poll: impl FnOnce() -> T) -> T {
        let _served = current::serve(&self.cx);
        let naming = Naming::begin();
        let polled = caught(poll);
        if let Some(principal) = naming.end() {
            self.identify(principal);
        }
        self.resume(polled)
    }

    /// Polls what the request waits for, while it is [served](Self::serve). A panic ends the request and goes on.
    pub(crate) fn poll<T>(&mut self, poll: impl FnOnce() -> T) -> T {
        let polled = caught(poll);
        self.resume(polled)
    }

    #[inline]
    fn resume<T>(&mut self, polled: thread::Result<T>) -> T {
        match polled {
            Ok(polled) => polled,
            Err(payload) => {
                let message = exception::panic_message(&*payload);
                let exception: Exception<'_> = match panic_was_logged() {
                    true => None,
                    false => Some(("panic", &message)),
                };
                self.end(Outcome::Panicked, exception);
                resume_unwind(payload)
            }
        }
    }

    /// The service found out on whose behalf the request is; the first one counts.
    #[cold]
    fn identify(&mut self, principal: Principal) {
        if !std::mem::replace(&mut self.identified, true) {
            self.cx = principal.attach_to(&self.cx);
        }
    }

    /// The response head is there.
    pub(crate) fn head<B: http_body::Body>(&mut self, response: &mut Response<B>) {
        self.status = Some(response.status());
        let declared = || {
            let length = response.headers().get(header::CONTENT_LENGTH)?;
            length.to_str().ok()?.parse().ok()
        };
        // A body that knows its length says so for less than a header costs.
        self.length = response.body().size_hint().exact().or_else(declared);
        let options = &self.shared.options;
        if let Some(operation) = response.extensions().get::<Operation>()
            && let Some(instruments) = self.shared.instruments.get()
            && self.facts.name(operation, &instruments.endpoints)
            && self.is_recorded()
        {
            let (span, endpoint) = (self.cx.span(), &self.facts.endpoint);
            span.update_name(endpoint.span_name.clone());
            let route = endpoint.route.clone();
            span.set_attributes(route.map(|route| KeyValue::new(HTTP_ROUTE, route)));
        }
        let headers = response.headers_mut();
        if self.is_recorded() {
            let captured = options
                .response_headers
                .attributes(headers, &options.redacted_headers);
            self.cx.span().set_attributes(captured);
        }
        if let Some(call) = &mut self.call {
            call.head(headers);
        }
        correlation::echo(&self.cx, &options.correlation, headers);
        if options.traceresponse {
            trace_headers::traceresponse(self.cx.span().span_context(), headers);
        }
        if options.server_timing {
            trace_headers::server_timing(self.cx.span().span_context(), headers);
        }
    }

    /// So many bytes of the response's body are on their way. Returns whether it was promised no more: then a server
    /// does not ask the body for its end. Of a call the trailers are still to come.
    pub(crate) fn sent(&mut self, bytes: usize) -> bool {
        self.sent += bytes as u64;
        self.is_http() && self.length.is_some_and(|length| self.sent >= length)
    }

    /// The response's trailers are there: of gRPC they hold the status, of HTTP nothing that telemetry shows.
    pub(crate) fn trailers(&mut self, trailers: &HeaderMap) {
        if let Some(call) = &mut self.call {
            call.trailers(trailers);
        }
    }

    /// The response was sent whole.
    pub(crate) fn completed(&mut self) {
        self.end(Outcome::Completed, None);
    }

    /// The service failed without a response.
    pub(crate) fn service_error(mut self, kind: &'static str, error: &dyn fmt::Display) {
        self.end(Outcome::ServiceError, Some((kind, error)));
    }

    /// The body failed half-way.
    pub(crate) fn body_error(&mut self, kind: &'static str, error: &dyn fmt::Display) {
        self.end(Outcome::BodyError, Some((kind, error)));
    }

    /// The body was dropped before its end, which is normal where the server sends none.
    pub(crate) fn dropped(&mut self) {
        let sends_none = |status: StatusCode| {
            status.is_informational()
                || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
                || self.facts.tunnels && status.is_success()
        };
        let has_all = self.is_http() && self.length == Some(self.sent);
        if has_all || self.facts.bodiless || self.status.is_some_and(sends_none) {
            self.end(Outcome::Completed, None);
        } else {
            self.end(Self::left(), None);
        }
    }

    /// The outcome of a request that nobody waits for any more.
    fn left() -> Outcome {
        if thread::panicking() {
            Outcome::Panicked
        } else {
            Outcome::ClientDisconnected
        }
    }

    fn is_recorded(&self) -> bool {
        telemetry_core::tracer::is_recorded(&self.cx.span())
    }

    fn end(&mut self, outcome: Outcome, exception: Exception<'_>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let seconds = self.started.elapsed().as_secs_f64();
        if exception.is_some() || self.shared.options.access_log {
            self.log(outcome, seconds, exception);
        }
        // First what cannot fail: a span's end runs processors of the application.
        if self.is_http() {
            self.facts.endpoint.active.leave(self.facts.https);
        }
        if let Some(principal) = Principal::of(&self.cx) {
            principal.record_at_end(&self.cx.span());
        }
        if let Some(call) = &self.call {
            if let Some(instruments) = self.shared.grpc_instruments.get() {
                call.end(instruments, &self.cx, outcome, self.status, seconds);
            }
            self.cx.span().end();
            return;
        }
        self.end_http(outcome, seconds);
    }

    fn end_http(&self, outcome: Outcome, seconds: f64) {
        let status = self.status.map(|status| status.as_u16());
        let error = match (outcome, status) {
            // An error stays one when the client does not read all of its body.
            (Outcome::Completed | Outcome::ClientDisconnected, Some(status))
                if semconv_http::is_server_error(status) =>
            {
                ErrorType::Status(status)
            }
            (Outcome::Completed | Outcome::ClientDisconnected, _) => ErrorType::None,
            _ => ErrorType::Outcome(outcome),
        };
        let sizes = self.shared.options.body_sizes;
        let read = self.read.as_ref().map(ReadBytes::get);
        let span = self.cx.span();
        let recorded = telemetry_core::tracer::is_recorded(&span);
        if recorded {
            if let Some(status) = status {
                span.set_attribute(KeyValue::new(HTTP_RESPONSE_STATUS_CODE, i64::from(status)));
            }
            if sizes {
                let read = read.map(|bytes| KeyValue::new(HTTP_REQUEST_BODY_SIZE, signed(bytes)));
                let sent = KeyValue::new(HTTP_RESPONSE_BODY_SIZE, signed(self.sent));
                span.set_attributes(read.into_iter().chain([sent]));
            }
            if outcome != Outcome::Completed {
                span.set_attribute(KeyValue::new(OUTCOME, outcome.as_str()));
            }
            if let Some(error) = error.value() {
                span.set_attribute(KeyValue::new(ERROR_TYPE, error));
                // The status code, or error.type, says it all: no description.
                span.set_status(Status::error(""));
            }
        }
        if let Some(instruments) = self.shared.instruments.get() {
            let ending = Ending {
                https: self.facts.https,
                version: self.facts.version,
                status,
                error,
            };
            self.facts.endpoint.record(instruments, ending, |series| {
                series.duration.record(seconds, span.span_context());
                if sizes {
                    instruments.record_sizes(series, read, self.sent);
                }
            });
        }
        if recorded {
            span.end();
        }
    }

    #[cold]
    fn log(&self, outcome: Outcome, seconds: f64, exception: Exception<'_>) {
        // Lines carry the ids of the current context, and this may be a drop outside of any.
        // In one of the request, the principal may have come later.
        let is_current = !self.identified && Serving::is(&self.cx);
        let _serving = (!is_current).then(|| Serving::enter(&self.cx));
        if let Some((kind, message)) = exception {
            attempt(|| exception::record(kind, message));
        }
        if let Some(call) = &self.call {
            if self.shared.options.access_log {
                let ending = call.ending(outcome, self.status);
                attempt(|| {
                    access_log::write_call(&access_log::CallLine {
                        method: ending.method,
                        status: ending.status,
                        seconds,
                        request_bytes: self.read.as_ref().map(ReadBytes::get),
                        response_bytes: self.sent,
                        outcome: outcome.as_str(),
                    });
                });
            }
            return;
        }
        if self.shared.options.access_log {
            let line = access_log::Line {
                method: self.facts.endpoint.method,
                route: self.facts.endpoint.route.as_deref(),
                status: self.status.map(|status| status.as_u16()),
                seconds,
                request_bytes: self.read.as_ref().map(ReadBytes::get),
                response_bytes: self.sent,
                outcome: outcome.as_str(),
            };
            attempt(|| access_log::write(&line));
        }
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        if !self.ended {
            self.end(Self::left(), None);
        }
    }
}

impl Outcome {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::ServiceError => "service_error",
            Self::Panicked => "panicked",
            Self::BodyError => "body_error",
            Self::ClientDisconnected => "client_disconnected",
        }
    }

    /// `error.type` of an outcome that is an error.
    pub(crate) fn error_type(self) -> &'static str {
        match self {
            Self::Panicked => "panic",
            other => other.as_str(),
        }
    }
}

#[inline]
fn caught<T>(poll: impl FnOnce() -> T) -> thread::Result<T> {
    // That of another request, which somebody else caught on this thread.
    panic_was_logged();
    // Nobody sees the broken state: the panic is passed on.
    catch_unwind(AssertUnwindSafe(poll))
}

/// Does what runs code of the application: how its error is shown, its subscriber. If that panics, the line is lost, and
/// neither the request nor its end.
fn attempt(log: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(log)).is_err() {
        // It is none of the request's.
        panic_was_logged();
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
