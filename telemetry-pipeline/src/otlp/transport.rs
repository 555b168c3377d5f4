//! OTLP over gRPC and over HTTP: one request, with retries within the export's timeout.

mod encode;
#[cfg(feature = "grpc")]
mod grpc;
#[cfg(not(feature = "grpc"))]
#[path = "transport/without_grpc.rs"]
mod grpc;
mod hints;
mod http;
mod retry;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "transport/without_tls.rs"]
mod tls;

use std::{
    borrow::Cow,
    fmt,
    time::{Duration, Instant},
};

use bytes::Bytes;

pub(crate) use encode::Request;

use super::{flush::Deadline, worker::Worker};
use crate::{
    error::BootstrapError,
    otlp::endpoint::{Endpoint, Protocol},
};

/// No answer of a collector is read beyond this.
const ANSWER_BYTES: usize = 64 * 1024;

/// What a collector says of itself is cut to this for a log line.
const MESSAGE_CHARS: usize = 200;

const USER_AGENT: &str = concat!("telemetry-core/", env!("CARGO_PKG_VERSION"));

/// Sends the requests of one signal.
#[derive(Debug)]
pub(crate) struct Transport {
    client: Client,
    protocol: Protocol,
    origin: String,
    timeout: Duration,
    /// Whether TLS is spoken without a certificate of our own.
    anonymous: bool,
}

#[derive(Debug)]
enum Client {
    Http(http::Client),
    Grpc(grpc::Client),
}

/// The collector's answer to a request that it accepted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// How many items it accepted the request without.
    pub(crate) rejected: u64,
    /// Why, or a warning if it rejected none.
    pub(crate) message: String,
    /// The status of the answer.
    pub(crate) answered: Option<Answered>,
}

/// The status that a collector answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// `http.response.status_code`.
    Http(u16),
    /// `rpc.response.status_code`: gRPC has a fixed set of names.
    #[cfg_attr(not(feature = "grpc"), allow(dead_code, reason = "none does"))]
    Grpc(&'static str),
}

impl Transport {
    /// A client for requests of type `R`.
    pub(crate) fn new<R: Request>(
        endpoint: Endpoint,
        worker: &Worker,
    ) -> Result<Self, BootstrapError> {
        // Both kinds of client register with the runtime they are built in.
        let _runtime = worker.enter();
        let files = match endpoint.url.scheme_str() {
            Some("https") => Some(tls::Files::read(&endpoint, R::SIGNAL)?),
            _ => None,
        };
        let anonymous = files.as_ref().is_some_and(tls::Files::is_anonymous);
        let client = match endpoint.protocol {
            Protocol::Grpc => grpc::Client::new(&endpoint, files, R::GRPC_PATH).map(Client::Grpc),
            _ => http::Client::new(&endpoint, files).map(Client::Http),
        };
        Ok(Self {
            client: client?,
            protocol: endpoint.protocol,
            origin: endpoint.origin,
            timeout: endpoint.timeout,
            anonymous,
        })
    }

    /// Scheme, host and port, fit for a log line.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether messages are JSON rather than protobuf.
    pub(crate) fn speaks_json(&self) -> bool {
        self.protocol == Protocol::HttpJson
    }

    /// Encodes a request and sends it, see [`send_body`](Self::send_body).
    pub(crate) async fn send<R: Request>(
        &self,
        request: R,
        end: &Deadline,
    ) -> Result<Accepted, ExportError> {
        let body = encode::encode(&request, self.protocol)?;
        // The encoded form is all that is needed from here, however long it takes.
        drop(request);
        self.send_body(body, end).await
    }

    /// Sends an encoded request and retries what the specification calls retryable, all within the export's timeout.
    ///
    /// Once the end is near, a collector that cannot be reached is tried once more and not again: a service must not
    /// take seconds to stop because nobody collects.
    pub(crate) async fn send_body(
        &self,
        body: Bytes,
        end: &Deadline,
    ) -> Result<Accepted, ExportError> {
        let deadline = Instant::now() + self.timeout;
        let mut pauses = retry::Pauses::new();
        let mut last = None;
        let attempts = async {
            let body = match &self.client {
                Client::Http(client) => client.compress(body)?,
                Client::Grpc(_) => body,
            };
            loop {
                let ending = end.is_set();
                let result = match &self.client {
                    Client::Http(client) => client.send(body.clone()).await,
                    Client::Grpc(client) => client.send(body.clone()).await,
                };
                let error = match result.map_err(|error| self.hinted(error)) {
                    Err(error) if error.retryable => error,
                    result => return result,
                };
                if ending && error.unreachable {
                    return Err(error);
                }
                let Some(pause) = pauses.next() else {
                    return Err(error);
                };
                let asked = error.retry_after;
                // Without a wish of the collector, there is no point in waiting for an attempt that cannot be made.
                if asked.is_none() && Instant::now() + pause >= deadline {
                    return Err(error);
                }
                let unreachable = error.unreachable;
                last = Some(error);
                let rest = tokio::time::sleep(asked.unwrap_or_default().max(pause));
                tokio::select! {
                    () = rest => {}
                    () = end.set(), if unreachable => {}
                }
            }
        };
        match tokio::time::timeout_at(deadline.into(), attempts).await {
            Ok(result) => result,
            // What the collector did answer says more than that time is up.
            Err(_) => Err(last.unwrap_or_else(|| ExportError::timeout(self.timeout))),
        }
    }
}

impl Transport {
    fn hinted(&self, mut error: ExportError) -> ExportError {
        error.message += hints::of(&error, self.protocol, self.anonymous).unwrap_or_default();
        error
    }
}

/// Why an export failed.
#[derive(Debug)]
pub(crate) struct ExportError {
    message: String,
    retryable: bool,
    retry_after: Option<Duration>,
    unreachable: bool,
    timed_out: bool,
    /// What the collector answered, if it did.
    answered: Option<Answered>,
}

impl ExportError {
    fn fatal(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            retryable: false,
            retry_after: None,
            unreachable: false,
            timed_out: false,
            answered: None,
        }
    }

    /// No answer, because there was no connection or it broke.
    fn unreachable(message: impl Into<String>) -> Self {
        Self {
            retryable: true,
            unreachable: true,
            ..Self::fatal(message)
        }
    }

    fn timeout(bound: Duration) -> Self {
        Self {
            timed_out: true,
            ..Self::fatal(format!("no answer within {bound:?}"))
        }
    }

    /// Whether the collector did not answer; otherwise it did, and refused.
    pub(crate) fn unanswered(&self) -> bool {
        self.unreachable || self.timed_out
    }

    /// The status of the last answer; `None` if there was none.
    pub(crate) fn answered(&self) -> Option<Answered> {
        self.answered
    }

    /// What `error.type` says of it: the status that the collector answered, or why there is none.
    pub(crate) fn kind(&self) -> Cow<'static, str> {
        match self.answered {
            Some(Answered::Http(status)) => status.to_string().into(),
            Some(Answered::Grpc(status)) => status.into(),
            None if self.timed_out => "timeout".into(),
            None if self.unreachable => "connection_failed".into(),
            None => "_OTHER".into(),
        }
    }

    /// Whether nothing was heard of the collector until the timeout.
    pub(crate) fn timed_out(&self) -> bool {
        self.timed_out
    }
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The innermost cause: `connection refused` says more than `error sending request`.
fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    one_line(&innermost.to_string())
}

/// A foreign text as part of a log line.
fn one_line(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    text.trim().chars().take(MESSAGE_CHARS).map(clean).collect()
}
