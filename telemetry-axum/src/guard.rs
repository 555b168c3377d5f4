//! The lifecycle of a request: ended exactly once, on whatever way out it takes.

use std::{sync::Arc, thread, time::Instant};

use http::StatusCode;
use opentelemetry::{
    Context, KeyValue,
    trace::{Status, TraceContextExt},
};
use telemetry_core::{
    metrics::ActiveGuard,
    semconv_http::{
        self,
        attribute::{ERROR_TYPE, HTTP_RESPONSE_STATUS_CODE},
    },
};

use crate::{
    attributes::RequestFacts,
    metrics::{ErrorType, Labels, ServerInstruments},
    service::Serving,
};

/// How a request ended, if not normally.
const OUTCOME: &str = "telemetry.outcome";

/// Owned by the response future first and by the response body then; whoever drops it ends the request.
#[derive(Debug)]
pub(crate) struct RequestGuard {
    instruments: Arc<ServerInstruments>,
    cx: Context,
    facts: RequestFacts,
    started: Instant,
    status: Option<StatusCode>,
    ended: bool,
    /// Still set when it is dropped if a poll did not return: the service panicked, whoever caught it.
    in_poll: bool,
    _active: ActiveGuard,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Completed,
    ServiceError,
    Panicked,
    BodyError,
    ClientDisconnected,
}

impl RequestGuard {
    pub(crate) fn new(
        instruments: Arc<ServerInstruments>,
        cx: Context,
        facts: RequestFacts,
        active: ActiveGuard,
    ) -> Self {
        Self {
            instruments,
            cx,
            facts,
            started: Instant::now(),
            status: None,
            ended: false,
            in_poll: false,
            _active: active,
        }
    }

    /// Makes the request's context current for one poll.
    pub(crate) fn poll<T>(&mut self, poll: impl FnOnce() -> T) -> T {
        let _serving = Serving::enter(&self.cx);
        self.in_poll = true;
        let polled = poll();
        self.in_poll = false;
        polled
    }

    /// The response head is there.
    pub(crate) fn head(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    /// The response was sent whole.
    pub(crate) fn completed(mut self) {
        self.end(Outcome::Completed);
    }

    /// The service failed without a response.
    pub(crate) fn service_error(mut self) {
        self.end(Outcome::ServiceError);
    }

    /// The body failed half-way.
    pub(crate) fn body_error(mut self) {
        self.end(Outcome::BodyError);
    }

    /// The body was dropped before its end, which is normal where the server sends none.
    pub(crate) fn dropped(mut self) {
        let sends_none = |status: StatusCode| {
            status.is_informational()
                || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
        };
        if self.facts.bodiless || self.status.is_some_and(sends_none) {
            self.end(Outcome::Completed);
        }
    }

    fn end(&mut self, outcome: Outcome) {
        self.ended = true;
        let error = match (outcome, self.status.map(|status| status.as_u16())) {
            (Outcome::Completed, Some(status)) if semconv_http::is_server_error(status) => {
                ErrorType::Status(status)
            }
            (Outcome::Completed | Outcome::ClientDisconnected, _) => ErrorType::None,
            (Outcome::ServiceError, _) => ErrorType::Other("service_error"),
            (Outcome::BodyError, _) => ErrorType::Other("body_error"),
            (Outcome::Panicked, _) => ErrorType::Other("panic"),
        };
        let span = self.cx.span();
        if telemetry_core::tracer::is_recorded(&span) {
            let status = self
                .status
                .map(|status| KeyValue::new(HTTP_RESPONSE_STATUS_CODE, i64::from(status.as_u16())));
            let error_type = error.value().map(|value| KeyValue::new(ERROR_TYPE, value));
            let outcome = outcome
                .as_str()
                .map(|outcome| KeyValue::new(OUTCOME, outcome));
            span.set_attributes([status, error_type, outcome].into_iter().flatten());
            if error != ErrorType::None {
                // The status code, or error.type, says it all: no description.
                span.set_status(Status::error(""));
            }
        }
        let labels = Labels {
            route: self.facts.route(),
            method: self.facts.method,
            scheme: self.facts.scheme,
            version: self.facts.version,
            status: self.status.map(|status| status.as_u16()),
            error,
        };
        let seconds = self.started.elapsed().as_secs_f64();
        self.instruments
            .duration(&labels)
            .record(seconds, span.span_context());
        span.end();
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        if !self.ended {
            self.end(if self.in_poll || thread::panicking() {
                Outcome::Panicked
            } else {
                Outcome::ClientDisconnected
            });
        }
    }
}

impl Outcome {
    fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Completed => None,
            Self::ServiceError => Some("service_error"),
            Self::Panicked => Some("panicked"),
            Self::BodyError => Some("body_error"),
            Self::ClientDisconnected => Some("client_disconnected"),
        }
    }
}
