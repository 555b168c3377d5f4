//! `error.type` of a failed attempt: a status code or one word of a bounded set, never a message or a URL.

use std::{error::Error as StdError, io};

use opentelemetry::StringValue;
use reqwest_middleware::Error;

/// The value of `error.type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum HttpErrorType {
    #[default]
    None,
    Status(u16),
    Word(&'static str),
}

impl HttpErrorType {
    pub(crate) fn value(self) -> Option<StringValue> {
        match self {
            Self::None => None,
            Self::Status(status) => Some(status.to_string().into()),
            Self::Word(word) => Some(word.into()),
        }
    }
}

pub(crate) fn of_middleware(error: &Error) -> &'static str {
    match error {
        Error::Middleware(_) => "middleware",
        Error::Reqwest(error) => of_reqwest(error),
    }
}

pub(crate) fn of_reqwest(error: &reqwest::Error) -> &'static str {
    if error.is_connect() {
        if error.is_timeout() {
            "connect_timeout"
        } else if error.is_dns() {
            "dns"
        } else {
            of_connect(error)
        }
    } else if error.is_timeout() {
        "timeout"
    } else if error.is_redirect() {
        "redirect"
    } else if error.is_builder() {
        "builder"
    } else if let Some(kind) = of_causes(error) {
        kind
    } else if error.is_decode() {
        "decode"
    } else if error.is_body() {
        "body"
    } else {
        "request"
    }
}

/// The word for a failed connection attempt.
pub(crate) fn of_connect(error: &(dyn StdError + 'static)) -> &'static str {
    match of_causes(error) {
        // There is no body yet, so invalid data can only come from the TLS handshake.
        Some("decode") => "tls",
        cause => cause.unwrap_or("connect"),
    }
}

/// The word for a known cause: the peer closed the connection, DNS or TLS failed, or a body is no valid gzip.
pub(crate) fn of_causes(error: &(dyn StdError + 'static)) -> Option<&'static str> {
    let mut source = Some(error);
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            use io::ErrorKind::{
                BrokenPipe, ConnectionAborted, ConnectionReset, InvalidData, UnexpectedEof,
            };
            // An error of rustls is the inner error of an I/O error of the kind `InvalidData` or `Other`.
            if let Some(inner) = io.get_ref()
                && is_tls(&inner.to_string())
            {
                return Some("tls");
            }
            match io.kind() {
                BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof => {
                    return Some("reset");
                }
                InvalidData => return Some("decode"),
                _ => {}
            }
        } else if let Some(hyper) = cause.downcast_ref::<hyper::Error>() {
            if hyper.is_incomplete_message() {
                return Some("reset");
            }
        } else {
            let text = cause.to_string();
            if text.starts_with("dns error") {
                return Some("dns");
            }
            if is_tls(&text) {
                return Some("tls");
            }
            if is_http2_reset(&text) {
                return Some("reset");
            }
        }
        source = cause.source();
    }
    None
}

/// True for the texts with which h2 reports that the peer ended a stream or connection.
///
/// The errors of h2 do not have the error of the socket as their source. A dependency on h2 would give access to their
/// types, but a client without HTTP/2 would have to build it.
fn is_http2_reset(text: &str) -> bool {
    [
        "stream error received",
        "connection error received",
        "stream closed because of a broken pipe",
        "connection closed because of a broken pipe",
        "broken pipe",
        "connection reset",
        "unexpected end of file",
    ]
    .iter()
    .any(|beginning| text.starts_with(beginning))
}

/// True for the texts with which TLS libraries report errors: rustls first, then OpenSSL.
///
/// A dependency on these libraries would give access to their types, but a client uses only one of them.
fn is_tls(text: &str) -> bool {
    [
        "invalid peer certificate",
        "received fatal alert",
        "received corrupt message",
        "received unexpected message",
        "received unexpected handshake message",
        "peer is incompatible",
        "peer misbehaved",
        "peer sent no certificates",
        "peer sent excess record size",
        "peer doesn't support any known protocol",
        "cannot decrypt peer's message",
        "tls ",
    ]
    .iter()
    .any(|beginning| text.starts_with(beginning))
        || [
            "SSL routines",
            "certificate verify failed",
            "handshake failure",
        ]
        .iter()
        .any(|part| text.contains(part))
}
