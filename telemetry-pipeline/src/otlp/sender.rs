//! Sends what one signal exports, and keeps and tells how that went.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use super::{
    answer::{Accepted, ExportError, Failure},
    deadline::Deadline,
    losses::{Losses, Reason},
    monitor::Monitor,
    panics,
    report::Reporter,
    request::Request,
    transport::Transport,
};
use crate::otlp::limits::REQUEST_BYTES;

pub(crate) struct Sender {
    pub(crate) transport: Transport,
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) losses: Arc<Losses>,
    pub(crate) monitor: Arc<Monitor>,
}

impl Sender {
    /// Sends a request of so many items, in parts if it is too large for one. Returns whether all of it arrived.
    pub(crate) async fn export<R: Request>(
        &self,
        mut request: R,
        items: u64,
        end: &Deadline,
    ) -> bool {
        request.complete_schema_urls();
        let mut parts = vec![(request, items)];
        let mut arrived = true;
        while let Some((part, items)) = parts.pop() {
            let encoded = panics::caught(async { self.encoded(&part, items > 1) }).await;
            let body = match encoded {
                Ok(Some(body)) => body,
                Ok(None) => {
                    let (first, second) = part.halves();
                    for half in [second, first] {
                        let items = half.items() as u64;
                        parts.push((half, items));
                    }
                    continue;
                }
                Err(panic) => Err(ExportError::panicked(panic)),
            };
            // The encoded form is all that is needed from here, however long it takes.
            drop(part);
            arrived &= self.export_body(body, items, end).await;
        }
        arrived
    }

    /// The bytes of a request; `None` if it is too large and can be split. Its size as protobuf costs less than JSON.
    fn encoded<R: Request>(
        &self,
        request: &R,
        can_split: bool,
    ) -> Option<Result<Bytes, ExportError>> {
        let is_large = |bytes: usize| can_split && bytes > REQUEST_BYTES;
        if is_large(request.encoded_len()) {
            return None;
        }
        match self.transport.encode(request) {
            Ok(body) if is_large(body.len()) => None,
            encoded => Some(encoded),
        }
    }

    /// Sends an encoded request of so many items. Returns whether all of them arrived.
    pub(crate) async fn export_body(
        &self,
        body: Result<Bytes, ExportError>,
        items: u64,
        end: &Deadline,
    ) -> bool {
        let started = self.start(items);
        let outcome = panics::caught(async { self.transport.send(body?, end).await }).await;
        let outcome = outcome.unwrap_or_else(|panic| Err(ExportError::panicked(panic)));
        self.account(items, started, outcome)
    }

    /// An export of this many items begins.
    pub(crate) fn start(&self, count: u64) -> Instant {
        self.losses.handed_over(count);
        Instant::now()
    }

    /// Shutdown did not wait for this many items that were handed over.
    pub(crate) fn out_of_time(&self, count: u64) {
        self.losses.failed(Reason::Shutdown, "shutdown", count);
        self.monitor.failed(ExportError::ended().message.as_str());
    }

    /// Counts an export of this many items and reports it. Returns whether all of them arrived.
    pub(crate) fn account(
        &self,
        count: u64,
        started: Instant,
        outcome: Result<Accepted, ExportError>,
    ) -> bool {
        let error = match outcome {
            Ok(accepted) => return self.accepted(count, started, &accepted),
            Err(error) => error,
        };
        let reason = match error.failure {
            Failure::Refused | Failure::Unreachable => Reason::ExportFailed,
            Failure::TimedOut => Reason::Timeout,
            Failure::Panicked => Reason::Panicked,
            Failure::Ended => {
                self.out_of_time(count);
                return false;
            }
        };
        self.lost(count, started, reason, &error);
        false
    }

    fn accepted(&self, count: u64, started: Instant, accepted: &Accepted) -> bool {
        let (origin, signal) = (self.transport.origin(), self.losses.signal());
        let rejected = accepted.rejected.min(count);
        self.losses.exported(count - rejected);
        self.reporter.succeeded(origin, signal);
        self.monitor.succeeded();
        let error_type = (rejected > 0).then_some("rejected");
        self.monitor
            .took(started.elapsed(), error_type, accepted.answered.as_ref());
        if rejected == 0 && accepted.message.is_empty() {
            return true;
        }
        self.reporter
            .rejected(origin, signal, rejected, &accepted.message);
        if rejected > 0 {
            self.losses.failed(Reason::Rejected, "rejected", rejected);
            self.losses.explain(match accepted.message.as_str() {
                "" => "the collector did not say why".to_owned(),
                message => format!("the collector said: {message}"),
            });
        }
        rejected == 0
    }

    fn lost(&self, count: u64, started: Instant, reason: Reason, error: &ExportError) {
        let (origin, signal) = (self.transport.origin(), self.losses.signal());
        let error_type = error.kind();
        self.monitor.took(
            started.elapsed(),
            Some(&error_type),
            error.answered.as_deref(),
        );
        self.losses.failed(reason, error_type, count);
        self.monitor.failed(&error.message);
        match error.failure {
            Failure::Unreachable | Failure::TimedOut => {
                self.reporter.failed(origin, &error.message)
            }
            Failure::Refused | Failure::Panicked | Failure::Ended => {
                self.reporter.refused(origin, signal, &error.message);
            }
        }
        self.losses.explain(error.message.clone());
    }
}
