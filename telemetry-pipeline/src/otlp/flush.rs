//! The handle on an export loop: it tells the loop to send, or to end, and waits for it.

use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use tokio::sync::{mpsc as commands, watch};

use super::{
    deadline::{Deadline, End},
    fork::{FORKED, Home},
    losses::Losses,
    monitor::Monitor,
};
use crate::error::Loss;

/// A command to an export loop, which answers when it is done.
pub(crate) enum Command {
    Flush(mpsc::SyncSender<()>),
    Shutdown(mpsc::SyncSender<()>),
}

/// The handle on one export loop.
pub(crate) struct Flush {
    home: Home,
    losses: Arc<Losses>,
    /// Of a loop that exports.
    monitor: Option<Arc<Monitor>>,
    commands: commands::UnboundedSender<Command>,
    deadline: watch::Sender<Option<End>>,
}

/// An answer that is being waited for.
pub(crate) struct Pending<'a> {
    flush: &'a Flush,
    done: mpsc::Receiver<()>,
    until: Instant,
    bound: Duration,
    report: fn(&Losses) -> Option<Loss>,
}

impl Flush {
    pub(crate) fn new(
        losses: Arc<Losses>,
        monitor: Option<Arc<Monitor>>,
    ) -> (Self, commands::UnboundedReceiver<Command>, Deadline) {
        let (commands, receiver) = commands::unbounded_channel();
        let (deadline, receiving) = Deadline::new();
        let flush = Self {
            home: Home::here(),
            losses,
            monitor,
            commands,
            deadline,
        };
        (flush, receiver, receiving)
    }

    pub(crate) fn monitor(&self) -> Option<&Arc<Monitor>> {
        self.monitor.as_ref()
    }

    /// Tells the loop to send what it has. The loops of all signals work at the same time.
    pub(crate) fn flush(&self, bound: Duration) -> Pending<'_> {
        let until = Instant::now() + bound;
        self.command(Command::Flush, until, bound, Losses::since_flush)
    }

    /// Tells the loop to send what it has and end.
    pub(crate) fn shutdown(&self, bound: Duration) -> Pending<'_> {
        let began = Instant::now();
        let until = began + bound;
        // The loop ends a little before the caller stops waiting, so that it can report the items that it did not send.
        let margin = (bound / 10).min(Duration::from_millis(200));
        let at = until - margin;
        self.deadline.send_replace(Some(End { began, at }));
        self.command(Command::Shutdown, until, bound, Losses::total)
    }

    fn command(
        &self,
        command: fn(mpsc::SyncSender<()>) -> Command,
        until: Instant,
        bound: Duration,
        report: fn(&Losses) -> Option<Loss>,
    ) -> Pending<'_> {
        let (done, receiver) = mpsc::sync_channel(1);
        // If the loop has ended, the sender is dropped with the command and waiting ends at once.
        let _ = self.commands.send(command(done));
        Pending {
            flush: self,
            done: receiver,
            until,
            bound,
            report,
        }
    }
}

impl Pending<'_> {
    /// Waits until the loop is done, at most for the bound, and returns what was lost.
    pub(crate) fn wait(self) -> Option<Loss> {
        let losses = &self.flush.losses;
        if self.flush.home.is_left() {
            return Some(Loss {
                signal: losses.signal(),
                unanswered: Some(Duration::ZERO),
                reason: Some(FORKED.to_owned()),
                ..(self.report)(losses).unwrap_or_default()
            });
        }
        let remaining = self.until.saturating_duration_since(Instant::now());
        let answer = self.done.recv_timeout(remaining);
        let loss = (self.report)(losses);
        if answer != Err(mpsc::RecvTimeoutError::Timeout) {
            return loss;
        }
        let mut loss = loss.unwrap_or_else(|| Loss {
            signal: losses.signal(),
            ..Loss::default()
        });
        loss.unanswered = Some(self.bound);
        Some(loss)
    }
}

impl std::fmt::Debug for Flush {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flush")
            .field("signal", &self.losses.signal())
            .finish_non_exhaustive()
    }
}
