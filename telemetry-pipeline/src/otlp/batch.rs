//! The loop that turns a queue into requests.

use std::sync::Arc;

use tokio::{
    select,
    sync::mpsc as commands,
    time::{Instant, sleep_until},
};

use super::{
    answer::ExportError,
    batching::Batching,
    deadline::Deadline,
    endpoint::Endpoint,
    flush::{Command, Flush},
    limits::REQUEST_BYTES,
    losses::Losses,
    monitor::Monitor,
    panics,
    queue::{self, Intake, Queue},
    report::Reporter,
    request::Request,
    sender::Sender,
    signal::Signal,
    transport::Transport,
    worker::Worker,
};
use crate::error::BootstrapError;

/// Makes a request of a batch of items.
pub(crate) trait Encode: Send + Sync + 'static {
    type Item: Send + 'static;
    type Request: Request;

    const SIGNAL: Signal;

    fn encode(&self, items: Vec<Self::Item>) -> Self::Request;

    /// The request of the items as protobuf, for a signal that has a faster way to it.
    fn protobuf(&self, _items: &[Self::Item]) -> Option<Vec<u8>> {
        None
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
            transport: Transport::new(endpoint, E::SIGNAL, worker)?,
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
                    // Items that do not fill a batch keep waiting for company until they are due.
                    self.export_next().await;
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

    /// Exports the items that were recorded before this call. Later ones may have to wait, or this would have no end.
    async fn drain(&mut self) {
        let mark = self.intake.mark();
        while !self.intake.reached(mark) && self.export_next().await {}
    }

    /// Exports the next batch; false if there is none. While the collector asks for a rest, items wait in the queue,
    /// where they are bounded.
    async fn export_next(&mut self) -> bool {
        self.sender.transport.rest(&self.deadline).await;
        let items = self.intake.take();
        let any = !items.is_empty();
        if any {
            self.export(items).await;
        }
        any
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
        let (sender, end) = (&self.sender, &self.deadline);
        let count = items.len() as u64;
        let body = panics::caught(async {
            if sender.transport.speaks_json() {
                return Err(items);
            }
            match self.encode.protobuf(&items) {
                Some(body) if body.len() <= REQUEST_BYTES || count == 1 => Ok(body),
                _ => Err(items),
            }
        });
        let request = match body.await {
            Ok(Ok(body)) => {
                sender.export_body(Ok(body.into()), count, end).await;
                return;
            }
            Ok(Err(items)) => panics::caught(async { self.encode.encode(items) }).await,
            Err(panic) => Err(panic),
        };
        match request {
            Ok(request) => {
                sender.export(request, count, end).await;
            }
            Err(panic) => {
                let panicked = Err(ExportError::panicked(panic));
                sender.account(count, sender.start(count), panicked);
            }
        }
    }
}

#[cfg(test)]
mod tests;
