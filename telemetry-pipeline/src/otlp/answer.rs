//! How one export ended: the collector's answer, or why there is none.

use std::{borrow::Cow, fmt, time::Duration};

use opentelemetry::KeyValue;

/// A text of a collector is cut to this for a log line.
const MESSAGE_CHARS: usize = 200;

/// The collector's answer to a request that it accepted.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Accepted {
    /// How many items it accepted the request without.
    pub(crate) rejected: u64,
    /// Why, or a warning if it rejected none.
    pub(crate) message: String,
    /// The status of the answer.
    pub(crate) answered: Option<Answered>,
}

/// The status that a collector answered with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answered {
    /// The status as an attribute; `None` for one outside of the protocol, of which there could be any number.
    pub(crate) attribute: Option<KeyValue>,
    /// The status as `error.type`.
    pub(crate) error_type: Cow<'static, str>,
}

/// Why an export failed.
#[derive(Clone, Debug)]
pub(crate) struct ExportError {
    pub(crate) message: String,
    pub(crate) retryable: bool,
    /// How long the collector asked to wait.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) failure: Failure,
    /// The status of the answer, if there was one.
    pub(crate) answered: Option<Box<Answered>>,
}

/// The kinds of failure that reports tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The collector answered, and refused; or the request could not be made.
    Refused,
    /// No answer, because there was no connection or it broke.
    Unreachable,
    /// No answer within the timeout.
    TimedOut,
    /// No answer before shutdown had to end.
    Ended,
    /// Encoding or sending it panicked.
    Panicked,
}

impl ExportError {
    pub(crate) fn fatal(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            retryable: false,
            retry_after: None,
            failure: Failure::Refused,
            answered: None,
        }
    }

    pub(crate) fn unreachable(message: impl Into<String>) -> Self {
        Self {
            retryable: true,
            failure: Failure::Unreachable,
            ..Self::fatal(message)
        }
    }

    pub(crate) fn timeout(bound: Duration) -> Self {
        Self {
            retryable: true,
            failure: Failure::TimedOut,
            ..Self::fatal(format!("no answer within {bound:?}"))
        }
    }

    pub(crate) fn ended() -> Self {
        Self {
            failure: Failure::Ended,
            ..Self::fatal("shutdown did not wait for the export")
        }
    }

    pub(crate) fn panicked(message: String) -> Self {
        Self {
            failure: Failure::Panicked,
            ..Self::fatal(message)
        }
    }

    /// `error.type`: the status that the collector answered, or why there is none.
    pub(crate) fn kind(&self) -> Cow<'static, str> {
        if let Some(answered) = &self.answered {
            return answered.error_type.clone();
        }
        match self.failure {
            Failure::Refused => "_OTHER".into(),
            Failure::Unreachable => "connection_failed".into(),
            Failure::TimedOut => "timeout".into(),
            Failure::Ended => "shutdown".into(),
            Failure::Panicked => "panic".into(),
        }
    }
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The innermost cause: `connection refused` says more than `error sending request`.
pub(crate) fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    one_line(&innermost.to_string())
}

/// A foreign text as part of a log line.
pub(crate) fn one_line(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    text.trim().chars().take(MESSAGE_CHARS).map(clean).collect()
}
