//! Sends encoded requests: tries again within the export's timeout, and rests as long as a collector asks.

mod answer_json;
mod answer_protobuf;
mod client;
mod compressors;
mod connect;
#[cfg(feature = "grpc")]
mod grpc;
mod hints;
mod http;
mod http_json;
mod http_protobuf;
mod json;
mod protocols;
mod proxy;
mod reason;
mod retry;
mod secure;
mod stream;
#[cfg(feature = "tls")]
mod tls;

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;

use self::{
    client::{Client, Encoding},
    compressors::Compress,
    connect::Connector,
    retry::Pauses,
};
use super::{
    answer::{Accepted, ExportError, Failure},
    compression::Compression,
    deadline::Deadline,
    endpoint::Endpoint,
    protocol::Protocol,
    request::Request,
    signal::Signal,
    worker::Worker,
};
use crate::error::BootstrapError;

/// A connection that was used before gets this part of the remaining time for an answer: a balancer may have forgotten it.
const SHARE_OF_A_KEPT_CONNECTION: u32 = 3;

/// How long after the begin of shutdown a collector is tried that was never reached: there may be no
/// collector at all, and a service must not take seconds to stop for that.
const NEVER_REACHED: Duration = Duration::from_millis(700);

/// True if the program is built with this protocol.
pub(crate) fn offers(protocol: Protocol) -> bool {
    protocols::row(protocol).is_some()
}

/// True if the program is built with TLS.
pub(crate) fn offers_tls() -> bool {
    secure::is_built_in()
}

/// Sends the requests of one signal.
#[derive(Debug)]
pub(crate) struct Transport {
    client: Box<dyn Client>,
    encoding: Encoding,
    /// Compresses requests; `None` if they are not compressed, or the client does it.
    compress: Option<Compress>,
    origin: String,
    timeout: Duration,
    /// Until then the collector asked to be left alone.
    rest_until: Mutex<Option<Instant>>,
    /// How long the last answer took, in milliseconds; 0 if there was none.
    last_answer: AtomicU64,
}

impl Transport {
    pub(crate) fn new(
        endpoint: Endpoint,
        signal: Signal,
        worker: &Worker,
    ) -> Result<Self, BootstrapError> {
        // Clients register with the runtime they are built in.
        let _runtime = worker.enter();
        let missing = |name: &str| endpoint.unusable(format!("{name} is not built in"));
        let row =
            protocols::row(endpoint.protocol).ok_or_else(|| missing(endpoint.protocol.name()))?;
        let compress = compressors::of(endpoint.compression)
            .ok_or_else(|| missing(endpoint.compression.name()))?;
        let connector = Connector::new(&endpoint, signal, row.alpn)?;
        let compresses = endpoint.compression != Compression::None
            && endpoint.protocol.facts().compresses_bodies;
        Ok(Self {
            client: (row.client)(&endpoint, signal, connector)?,
            encoding: row.encoding,
            compress: compresses.then_some(compress),
            timeout: endpoint.timeout,
            origin: endpoint.origin,
            rest_until: Mutex::default(),
            last_answer: AtomicU64::new(0),
        })
    }

    /// Scheme, host and port, fit for a log line.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// True if messages are JSON rather than protobuf.
    pub(crate) fn speaks_json(&self) -> bool {
        self.encoding == Encoding::Json
    }

    /// The bytes of a request.
    pub(crate) fn encode<R: Request>(&self, request: &R) -> Result<Bytes, ExportError> {
        match self.encoding {
            Encoding::Protobuf => Ok(request.encode_to_vec().into()),
            Encoding::Json => match json::to_vec(request) {
                Ok(body) => Ok(body.into()),
                Err(error) => Err(ExportError::fatal(error.to_string())),
            },
        }
    }

    /// Waits as long as the collector asked for, but not once shutdown has begun.
    pub(crate) async fn rest(&self, end: &Deadline) {
        let Some(until) = *self.rest_until() else {
            return;
        };
        tokio::select! {
            () = tokio::time::sleep_until(until.into()) => {}
            () = end.set() => {}
        }
    }

    /// Sends an encoded request and tries again where the specification allows it, all within the export's timeout. Once
    /// shutdown has begun, until its deadline.
    pub(crate) async fn send(&self, body: Bytes, end: &Deadline) -> Result<Accepted, ExportError> {
        self.rest(end).await;
        let body = match self.compress.map(|compress| compress(&body)) {
            None => body,
            Some(Ok(compressed)) => compressed.into(),
            Some(Err(error)) => return Err(ExportError::fatal(error.to_string())),
        };
        let deadline = Instant::now() + self.timeout;
        let mut last = None;
        let attempts = self.attempts(body, deadline, end, &mut last);
        let result = tokio::select! {
            result = attempts => return result,
            () = tokio::time::sleep_until(deadline.into()) => ExportError::timeout(self.timeout),
            () = end.expired() => ExportError::ended(),
        };
        // A collector's answer, or the reason why there is none, says more than that time is up.
        Err(last.unwrap_or(result))
    }

    async fn attempts(
        &self,
        body: Bytes,
        deadline: Instant,
        end: &Deadline,
        last: &mut Option<ExportError>,
    ) -> Result<Accepted, ExportError> {
        let mut pauses = Pauses::new();
        loop {
            let kept = self.client.is_connected();
            let error = match self.attempt(body.clone(), kept, deadline, end).await {
                Err(error) if error.retryable => error,
                result => return result,
            };
            if kept && error.answered.is_none() {
                // The connection was the fault, as far as one can tell. A new one is tried at once.
                self.client.disconnect();
                *last = Some(error);
                continue;
            }
            let Some(pause) = self.pause(&mut pauses, &error, deadline, end) else {
                return Err(error);
            };
            *last = Some(error);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = end.set(), if end.since().is_none() => {}
            }
        }
    }

    /// One attempt. On a connection that was kept it ends early, so that there is time for another.
    async fn attempt(
        &self,
        body: Bytes,
        kept: bool,
        deadline: Instant,
        end: &Deadline,
    ) -> Result<Accepted, ExportError> {
        let started = Instant::now();
        let remaining = end.within(deadline.saturating_duration_since(started));
        // A collector that is slow as a rule gets twice the time it took before.
        let usual = Duration::from_millis(self.last_answer.load(Ordering::Relaxed));
        let bound = (remaining / SHARE_OF_A_KEPT_CONNECTION).max(usual * 2);
        let sending = self.client.send(body);
        let result = if kept && bound < remaining {
            match tokio::time::timeout(bound, sending).await {
                Ok(result) => result,
                Err(_) => return Err(ExportError::timeout(bound)),
            }
        } else {
            sending.await
        };
        let asked = result.as_ref().err().and_then(|error| error.retry_after);
        *self.rest_until() = asked.and_then(|asked| Instant::now().checked_add(asked));
        if result.is_ok() {
            let took = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.last_answer.store(took.max(1), Ordering::Relaxed);
        }
        result
    }

    /// How long to wait before the next attempt; `None` if there is none.
    fn pause(
        &self,
        pauses: &mut Pauses,
        error: &ExportError,
        deadline: Instant,
        end: &Deadline,
    ) -> Option<Duration> {
        let asked = error.retry_after.unwrap_or_default();
        if let Some(since) = end.since()
            && error.failure == Failure::Unreachable
        {
            let reached = self.last_answer.load(Ordering::Relaxed) > 0;
            return (reached || since < NEVER_REACHED).then(|| pauses.while_ending());
        }
        let pause = pauses.next()?.max(asked);
        // A pause that leaves no time for an attempt is a waste.
        let remaining = end.within(deadline.saturating_duration_since(Instant::now()));
        (pause < remaining).then_some(pause)
    }

    fn rest_until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.rest_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
