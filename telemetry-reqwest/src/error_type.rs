//! `error.type` from reqwest's errors: a bounded set, never a message, never a URL.

use std::error::Error as _;

use opentelemetry::StringValue;
use reqwest_middleware::Error;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum ErrorType {
    #[default]
    None,
    Status(u16),
    Other(&'static str),
}

impl ErrorType {
    pub(crate) fn value(self) -> Option<StringValue> {
        match self {
            Self::None => None,
            Self::Status(status) => Some(status.to_string().into()),
            Self::Other(kind) => Some(kind.into()),
        }
    }
}

pub(crate) fn error_type(error: &Error) -> &'static str {
    match error {
        Error::Middleware(_) => "middleware",
        Error::Reqwest(error) => reqwest_error_type(error),
    }
}

fn reqwest_error_type(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        connect_error_type(error)
    } else if error.is_redirect() {
        "redirect"
    } else if error.is_body() {
        "body"
    } else if error.is_decode() {
        "decode"
    } else if error.is_builder() {
        "builder"
    } else {
        "request"
    }
}

/// The connector's errors have no types of their own to match, so the fixed beginnings of their texts must do.
fn connect_error_type(error: &reqwest::Error) -> &'static str {
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if text.starts_with("dns error") {
            return "dns";
        }
        if [
            "invalid peer certificate",
            "received fatal alert",
            "tls ",
            "received corrupt message",
        ]
        .iter()
        .any(|beginning| text.starts_with(beginning))
        {
            return "tls";
        }
        source = cause.source();
    }
    "connect"
}
