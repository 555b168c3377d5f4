//! The outcome of a request, and the `error.type` that follows from it.

use opentelemetry::{
    KeyValue, StringValue,
    trace::{SpanRef, Status},
};
use telemetry_semconv::{
    attribute::ERROR_TYPE,
    outcome::{self, TELEMETRY_OUTCOME},
};

/// The way in which a request has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    /// The whole response was sent.
    Completed,
    /// The service returned an error instead of a response.
    ServiceError,
    /// The service, or the body of the response, panicked.
    Panicked,
    /// The body of the response failed before its end.
    BodyError,
    /// The response was dropped before its end: the client no longer waits for it.
    ClientDisconnected,
    /// The time that a gRPC call has was over before its response was.
    DeadlineExceeded,
}

impl Outcome {
    /// The value of `telemetry.outcome`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Completed => outcome::COMPLETED,
            Self::ServiceError => outcome::SERVICE_ERROR,
            Self::Panicked => outcome::PANICKED,
            Self::BodyError => outcome::BODY_ERROR,
            Self::ClientDisconnected => outcome::CLIENT_DISCONNECTED,
            Self::DeadlineExceeded => outcome::DEADLINE_EXCEEDED,
        }
    }

    /// `error.type` if the service has caused this outcome. A client that disconnects is not an error of the service. That
    /// of a missed deadline is the status of the call.
    pub(crate) fn error_type(self) -> Option<&'static str> {
        match self {
            Self::Completed | Self::ClientDisconnected | Self::DeadlineExceeded => None,
            Self::Panicked => Some(outcome::PANIC),
            Self::ServiceError | Self::BodyError => Some(self.as_str()),
        }
    }

    /// Sets `telemetry.outcome`, `error.type` and the status of a span that ends in this way.
    pub(crate) fn mark(self, span: &SpanRef<'_>, error_type: Option<StringValue>) {
        if self != Self::Completed {
            span.set_attribute(KeyValue::new(TELEMETRY_OUTCOME, self.as_str()));
        }
        if let Some(error_type) = error_type {
            span.set_attribute(KeyValue::new(ERROR_TYPE, error_type));
            // The conventions want no description where `error.type` says everything.
            span.set_status(Status::error(""));
        }
    }
}

/// `error.type` of an HTTP request, from a bounded set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ErrorType {
    None,
    /// A status that the conventions count as an error.
    Status(u16),
    Outcome(&'static str),
}

impl ErrorType {
    /// The attribute's value; `None` if the request did not fail.
    pub(crate) fn value(self) -> Option<StringValue> {
        match self {
            Self::None => None,
            Self::Status(status) => Some(status.to_string().into()),
            Self::Outcome(error_type) => Some(error_type.into()),
        }
    }
}
