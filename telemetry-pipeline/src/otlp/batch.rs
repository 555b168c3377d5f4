//! The loop that turns a queue into requests.

use std::sync::Arc;

use prost::Message as _;
use tokio::{
    select,
    sync::mpsc as commands,
    time::{Instant, sleep_until},
};

use super::{
    batching::Batching,
    flush::{Command, Deadline, Flush},
    losses::{Losses, Reason},
    monitor::{Monitor, Signal},
    panics,
    queue::{self, Intake, Queue},
    report::Reporter,
    transport::{Accepted, ExportError, Request, Transport},
    worker::Worker,
};
use crate::{error::BootstrapError, otlp::endpoint::Endpoint};

/// What a batch of items becomes on the wire.
pub(crate) trait Encode: Send + Sync + 'static {
    type Item: Send + 'static;
    type Request: Request;

    const SIGNAL: Signal;

    fn encode(&self, items: Vec<Self::Item>) -> Self::Request;

    /// The bytes of [`encode`](Self::encode)'s request as protobuf.
    fn protobuf(&self, items: Vec<Self::Item>) -> Vec<u8> {
        self.encode(items).encode_to_vec()
    }
}

/// Starts the loop on the worker and returns its two ends.
pub(crate) fn start<E: Encode>(
    worker: &Worker,
    encode: E,
    endpoint: Endpoint,
    batching: Batching,
    reporter: Arc<Reporter>,
) -> Result<(Queue<E::Item>, Flush), BootstrapError> {
    let losses = Arc::new(Losses::new(E::SIGNAL.items()));
    let (queue, intake) = queue::queue(batching, losses.clone());
    let monitor = Arc::new(Monitor::new(
        E::SIGNAL,
        &endpoint,
        losses.clone(),
        Some(queue.fill()),
    ));
    let (flush, commands, deadline) = Flush::new(losses.clone(), Some(monitor.clone()));
    let exporter = Exporter {
        encode,
        batching,
        intake,
        deadline,
        sender: Sender {
            transport: Transport::new::<E::Request>(endpoint, worker)?,
            reporter,
            losses,
            monitor,
        },
    };
    worker.spawn(exporter.run(commands));
    Ok((queue, flush))
}

struct Exporter<E: Encode> {
    encode: E,
    batching: Batching,
    intake: Intake<E::Item>,
    deadline: Deadline,
    sender: Sender,
}

impl<E: Encode> Exporter<E> {
    async fn run(mut self, mut commands: commands::UnboundedReceiver<Command>) {
        let mut due = Instant::now() + self.batching.delay;
        loop {
            let command = select! {
                command = commands.recv() => command,
                () = self.intake.full() => {
                    // What does not fill a batch keeps waiting for company until it is due.
                    let items = self.intake.take();
                    self.export(items).await;
                    continue;
                }
                () = sleep_until(due) => {
                    due = Instant::now() + self.batching.delay;
                    self.drain().await;
                    continue;
                }
            };
            match command {
                Some(Command::Flush(done)) => {
                    self.drain().await;
                    // The caller may have given up waiting.
                    let _ = done.send(());
                }
                Some(Command::Shutdown(done)) => {
                    self.end().await;
                    let _ = done.send(());
                    return;
                }
                None => return,
            }
        }
    }

    /// Exports what was recorded before this call. What is recorded meanwhile may have to wait, or this had no end.
    async fn drain(&mut self) {
        let mark = self.intake.mark();
        while !self.intake.reached(mark) {
            let items = self.intake.take();
            if items.is_empty() {
                return;
            }
            self.export(items).await;
        }
    }

    /// Exports everything, until the deadline, and accounts for the rest.
    async fn end(&mut self) {
        self.intake.close();
        while !self.intake.is_empty() {
            let items = self.intake.take();
            if items.is_empty() {
                // A thread is between counting an item and putting it in.
                tokio::task::yield_now().await;
            } else if self.deadline.passed() {
                self.sender.losses.handed_over(items.len() as u64);
                self.sender.out_of_time(items.len() as u64);
            } else {
                self.export(items).await;
            }
        }
    }

    async fn export(&mut self, items: Vec<E::Item>) {
        if items.is_empty() {
            return;
        }
        let count = items.len() as u64;
        let started = self.sender.start(count);
        let export = panics::caught(async {
            let transport = &self.sender.transport;
            if transport.speaks_json() {
                return transport
                    .send(self.encode.encode(items), &self.deadline)
                    .await;
            }
            let body = self.encode.protobuf(items);
            transport.send_body(body.into(), &self.deadline).await
        });
        select! {
            result = export => {
                self.sender.account(count, started, result);
            }
            () = self.deadline.expired() => self.sender.out_of_time(count),
        }
    }
}

/// Where requests go, and what is kept and said of how they fared.
pub(crate) struct Sender {
    pub(crate) transport: Transport,
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) losses: Arc<Losses>,
    pub(crate) monitor: Arc<Monitor>,
}

impl Sender {
    /// An export of this many items begins.
    pub(crate) fn start(&self, count: u64) -> Instant {
        self.losses.handed_over(count);
        Instant::now()
    }

    /// Shutdown did not wait for this many items that were handed over.
    pub(crate) fn out_of_time(&self, count: u64) {
        self.losses.failed(Reason::Shutdown, "shutdown", count);
        self.monitor.failed("shutdown did not wait for the export");
    }

    /// Counts an export of this many items and reports it. Returns whether all of them arrived.
    pub(crate) fn account(
        &self,
        count: u64,
        started: Instant,
        result: Result<Result<Accepted, ExportError>, String>,
    ) -> bool {
        let (origin, signal) = (self.transport.origin(), self.losses.signal());
        let unanswered = matches!(&result, Ok(Err(error)) if error.unanswered());
        let answered = match &result {
            Ok(Err(error)) => error.answered(),
            _ => None,
        };
        let (reason, error_type, text) = match result {
            Ok(Ok(accepted)) => {
                let rejected = accepted.rejected.min(count);
                self.losses.exported(count - rejected);
                self.reporter.succeeded(origin, signal);
                self.monitor.succeeded();
                let error_type = (rejected > 0).then_some("rejected");
                self.monitor
                    .took(started.elapsed(), error_type, accepted.answered);
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
                return rejected == 0;
            }
            Ok(Err(error)) if error.timed_out() => {
                (Reason::Timeout, error.kind(), error.to_string())
            }
            Ok(Err(error)) => (Reason::ExportFailed, error.kind(), error.to_string()),
            Err(panic) => (Reason::Panicked, "panic".into(), panic),
        };
        self.monitor
            .took(started.elapsed(), Some(&error_type), answered);
        self.losses.failed(reason, error_type, count);
        self.monitor.failed(&text);
        if unanswered {
            self.reporter.failed(origin, &text);
        } else {
            self.reporter.refused(origin, signal, &text);
        }
        self.losses.explain(text);
        false
    }
}

#[cfg(test)]
mod tests;
