//! The exporter's thread: a runtime of its own, with telemetry suppressed.
//!
//! So it works whatever runtime the application has, cannot wait for the application's threads at shutdown, and the
//! export's own requests are not traced.

use std::{
    future::Future,
    io,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use opentelemetry::Context;
use tokio::{
    runtime::{Builder, Handle},
    sync::{mpsc as commands, oneshot},
};

use crate::pipeline::error::Loss;

/// Runs the export loops until dropped.
#[derive(Debug)]
pub(crate) struct Worker {
    handle: Handle,
    // Dropping it ends the thread.
    _stop: oneshot::Sender<()>,
}

impl Worker {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        thread::Builder::new()
            .name("telemetry-export".to_owned())
            .spawn(move || {
                let _suppressed = Context::enter_telemetry_suppressed_scope();
                // Ends with an error when the sender is dropped, which is the signal to stop.
                let _ = runtime.block_on(stopped);
                runtime.shutdown_background();
            })?;
        Ok(Self {
            handle,
            _stop: stop,
        })
    }

    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.handle.spawn(future);
    }

    /// Enters the worker's runtime, which clients need while they are built.
    pub(crate) fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.handle.enter()
    }
}

/// What an export loop is told.
pub(super) enum Command {
    Continue,
    Flush(mpsc::SyncSender<()>),
    Shutdown(mpsc::SyncSender<()>),
}

type Losses = Box<dyn Fn() -> (u64, u64, Option<String>) + Send + Sync>;

/// The handle on one export loop.
pub(crate) struct Flush {
    signal: &'static str,
    commands: commands::UnboundedSender<Command>,
    losses: Losses,
}

/// An answer that is being waited for.
pub(crate) struct Pending<'a> {
    flush: &'a Flush,
    done: mpsc::Receiver<()>,
}

impl Flush {
    pub(super) fn new(
        signal: &'static str,
        losses: impl Fn() -> (u64, u64, Option<String>) + Send + Sync + 'static,
    ) -> (Self, commands::UnboundedReceiver<Command>) {
        let (commands, receiver) = commands::unbounded_channel();
        (
            Self {
                signal,
                commands,
                losses: Box::new(losses),
            },
            receiver,
        )
    }

    /// Tells the loop to send what it has. The loops of all signals work at the same time.
    pub(crate) fn flush(&self) -> Pending<'_> {
        self.command(Command::Flush)
    }

    /// Tells the loop to send what it has and end.
    pub(crate) fn shutdown(&self) -> Pending<'_> {
        self.command(Command::Shutdown)
    }

    fn command(&self, command: fn(mpsc::SyncSender<()>) -> Command) -> Pending<'_> {
        let (done, receiver) = mpsc::sync_channel(1);
        // If the loop has ended, the sender is dropped with the command and waiting ends at once.
        let _ = self.commands.send(command(done));
        Pending {
            flush: self,
            done: receiver,
        }
    }
}

impl Pending<'_> {
    /// Waits until the loop is done, at most until the deadline. What was lost so far is the answer.
    pub(crate) fn wait(self, deadline: Instant, bound: Duration) -> Option<Loss> {
        let remaining = deadline.saturating_duration_since(Instant::now());
        let answer = self.done.recv_timeout(remaining);
        let timed_out = matches!(answer, Err(mpsc::RecvTimeoutError::Timeout)).then_some(bound);
        let (queue_full, failed, reason) = (self.flush.losses)();
        let lossless = queue_full == 0 && failed == 0 && timed_out.is_none();
        (!lossless).then_some(Loss {
            signal: self.flush.signal,
            queue_full,
            failed,
            timed_out,
            reason,
        })
    }
}

impl std::fmt::Debug for Flush {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flush")
            .field("signal", &self.signal)
            .finish_non_exhaustive()
    }
}
