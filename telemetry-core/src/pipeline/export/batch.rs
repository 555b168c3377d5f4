//! A bounded queue between the threads that record and the one that exports, and its loop.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    mpsc,
};

use tokio::{
    select,
    sync::{Notify, mpsc as commands},
};

use super::{
    report::Reporter,
    transport::{ExportError, Transport},
    worker::{Command, Flush, Worker},
};
use crate::pipeline::config::Batching;

/// What a batch of items becomes on the wire.
pub(super) trait Encode: Send + 'static {
    type Item: Send + 'static;
    type Request: super::transport::Request;

    /// `spans` or `log records`.
    const SIGNAL: &'static str;

    fn encode(&self, items: Vec<Self::Item>) -> Self::Request;
}

/// The recording side: never blocks, and counts what it must drop.
pub(super) struct Queue<T> {
    sender: mpsc::SyncSender<T>,
    shared: Arc<Shared>,
    batch: usize,
}

pub(super) struct Shared {
    length: AtomicUsize,
    queue_full: AtomicU64,
    failed: AtomicU64,
    closed: AtomicBool,
    reason: Mutex<Option<String>>,
    wake: Notify,
}

impl<T> Queue<T> {
    pub(super) fn push(&self, item: T) {
        if self.shared.closed.load(Ordering::Relaxed) || self.sender.try_send(item).is_err() {
            self.shared.queue_full.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if self.shared.length.fetch_add(1, Ordering::Relaxed) + 1 == self.batch {
            self.shared.wake.notify_one();
        }
    }
}

/// Starts the loop on the worker and returns its two ends.
pub(super) fn start<E: Encode>(
    worker: &Worker,
    encode: E,
    transport: Transport,
    batching: Batching,
    reporter: Arc<Reporter>,
) -> (Queue<E::Item>, Flush) {
    let (sender, receiver) = mpsc::sync_channel(batching.queue);
    let shared = Arc::new(Shared {
        length: AtomicUsize::new(0),
        queue_full: AtomicU64::new(0),
        failed: AtomicU64::new(0),
        closed: AtomicBool::new(false),
        reason: Mutex::new(None),
        wake: Notify::new(),
    });
    let (flush, commands) = Flush::new(E::SIGNAL, {
        let shared = shared.clone();
        move || shared.losses()
    });
    let exporter = Exporter {
        encode,
        transport,
        batching,
        reporter,
        receiver,
        shared: shared.clone(),
    };
    worker.spawn(exporter.run(commands));
    (
        Queue {
            sender,
            shared,
            batch: batching.batch,
        },
        flush,
    )
}

impl Shared {
    fn losses(&self) -> (u64, u64, Option<String>) {
        let reason = self
            .reason
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        (
            self.queue_full.load(Ordering::Relaxed),
            self.failed.load(Ordering::Relaxed),
            reason,
        )
    }
}

struct Exporter<E: Encode> {
    encode: E,
    transport: Transport,
    batching: Batching,
    reporter: Arc<Reporter>,
    receiver: mpsc::Receiver<E::Item>,
    shared: Arc<Shared>,
}

impl<E: Encode> Exporter<E> {
    async fn run(mut self, mut commands: commands::UnboundedReceiver<Command>) {
        loop {
            let command = select! {
                command = commands.recv() => command,
                () = self.shared.wake.notified() => Some(Command::Continue),
                () = tokio::time::sleep(self.batching.delay) => Some(Command::Continue),
            };
            match command {
                Some(Command::Continue) => self.drain().await,
                Some(Command::Flush(done)) => {
                    self.drain().await;
                    // The caller may have given up waiting.
                    let _ = done.send(());
                }
                Some(Command::Shutdown(done)) => {
                    self.shared.closed.store(true, Ordering::Relaxed);
                    self.drain().await;
                    let _ = done.send(());
                    return;
                }
                None => return,
            }
        }
    }

    async fn drain(&mut self) {
        loop {
            let items: Vec<_> = self.receiver.try_iter().take(self.batching.batch).collect();
            if items.is_empty() {
                return;
            }
            let count = items.len();
            self.shared.length.fetch_sub(count, Ordering::Relaxed);
            let result = self.transport.send(self.encode.encode(items)).await;
            self.account(count as u64, result);
        }
    }

    fn account(&self, count: u64, result: Result<u64, ExportError>) {
        let (failed, reason) = match result {
            Ok(0) => {
                self.reporter.succeeded(self.transport.origin());
                return;
            }
            Ok(rejected) => (
                rejected.min(count),
                format!("the collector rejected {rejected} {}", E::SIGNAL),
            ),
            Err(error) => (count, error.to_string()),
        };
        self.shared.failed.fetch_add(failed, Ordering::Relaxed);
        self.reporter.failed(self.transport.origin(), &reason);
        *self
            .shared
            .reason
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(reason);
    }
}

impl<T> std::fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("batch", &self.batch)
            .finish_non_exhaustive()
    }
}
