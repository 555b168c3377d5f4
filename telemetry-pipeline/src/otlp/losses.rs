//! How many items of one signal were exported and how many were lost, by reason: counted where it happens, read by reports
//! and metrics.

use std::{
    array,
    borrow::Cow,
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::error::Loss;

/// Why an item did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The queue held its bound of items.
    QueueFull,
    /// The queue held its bound of bytes.
    QueueBytes,
    /// The collector was not reached or refused the request.
    ExportFailed,
    /// The collector accepted the request without it.
    Rejected,
    /// The collector did not answer in time.
    Timeout,
    /// Encoding or sending it panicked.
    Panicked,
    /// The item was recorded after shutdown.
    AlreadyShutdown,
    /// The item was still unsent when shutdown had to end.
    Shutdown,
}

impl Reason {
    /// The reasons why an item is not handed to the exporter, with their `error.type` (semantic conventions 1.44,
    /// `otel.sdk.processor.*.processed`). The bound of bytes is ours, and has a name of its own.
    pub(crate) const OF_THE_QUEUE: [(Self, &'static str); 3] = [
        (Self::QueueFull, "queue_full"),
        (Self::QueueBytes, "queue_bytes"),
        (Self::AlreadyShutdown, "already_shutdown"),
    ];

    /// The reasons why a log line is lost on the way to standard output, with an `error.type` of ours.
    pub(crate) const OF_STANDARD_OUTPUT: [(Self, &'static str); 2] = [
        (Self::QueueBytes, "blocked"),
        (Self::ExportFailed, "write_failed"),
    ];
}

const REASONS: usize = 8;

type Counts = [u64; REASONS];

/// The counters of one signal. They only grow, so that they can be read as metrics.
#[derive(Debug)]
pub(crate) struct Losses {
    signal: &'static str,
    handed_over: AtomicU64,
    exported: AtomicU64,
    lost: [AtomicU64; REASONS],
    /// How many items the exporter lost, by `error.type`.
    failed: Mutex<BTreeMap<Cow<'static, str>, u64>>,
    reported: Mutex<Reported>,
}

#[derive(Debug, Default)]
struct Reported {
    /// Losses that later deliveries made up for.
    forgiven: Counts,
    /// Losses that a flush has already reported to its caller.
    flushed: Counts,
    /// The reason of the last loss.
    reason: Option<String>,
}

impl Losses {
    pub(crate) fn new(signal: &'static str) -> Self {
        Self {
            signal,
            handed_over: AtomicU64::new(0),
            exported: AtomicU64::new(0),
            lost: array::from_fn(|_| AtomicU64::new(0)),
            failed: Mutex::default(),
            reported: Mutex::default(),
        }
    }

    pub(crate) fn signal(&self) -> &'static str {
        self.signal
    }

    /// Items were given to the exporter. Each is then exported or failed.
    pub(crate) fn handed_over(&self, items: u64) {
        self.handed_over.fetch_add(items, Ordering::Relaxed);
    }

    pub(crate) fn exported(&self, items: u64) {
        self.exported.fetch_add(items, Ordering::Relaxed);
    }

    pub(crate) fn lost(&self, reason: Reason, items: u64) {
        self.lost[reason as usize].fetch_add(items, Ordering::Relaxed);
    }

    /// The exporter lost items that it was given.
    pub(crate) fn failed(
        &self,
        reason: Reason,
        error_type: impl Into<Cow<'static, str>>,
        items: u64,
    ) {
        self.lost(reason, items);
        *self.failures().entry(error_type.into()).or_default() += items;
    }

    pub(crate) fn count_handed_over(&self) -> u64 {
        self.handed_over.load(Ordering::Relaxed)
    }

    pub(crate) fn count_exported(&self) -> u64 {
        self.exported.load(Ordering::Relaxed)
    }

    pub(crate) fn count_lost(&self, reason: Reason) -> u64 {
        self.lost[reason as usize].load(Ordering::Relaxed)
    }

    /// How many items were lost for all reasons, with metrics that later ones made up for.
    pub(crate) fn count_all_lost(&self) -> u64 {
        self.counts().iter().sum()
    }

    /// How many items the exporter lost, by `error.type`.
    pub(crate) fn failures(&self) -> std::sync::MutexGuard<'_, BTreeMap<Cow<'static, str>, u64>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the reason of a loss, for the report at the end.
    pub(crate) fn explain(&self, reason: String) {
        self.reported().reason = Some(reason);
    }

    /// Takes back everything up to now: a cumulative metric sent later makes up for one that was not.
    pub(crate) fn forgive(&self) {
        let counts = self.counts();
        let mut reported = self.reported();
        reported.forgiven = counts;
        reported.reason = None;
    }

    /// The losses since the last flush that reported some.
    pub(crate) fn since_flush(&self) -> Option<Loss> {
        let counts = self.counts();
        let mut reported = self.reported();
        let from = array::from_fn(|at| reported.forgiven[at].max(reported.flushed[at]));
        reported.flushed = counts;
        self.loss(counts, from, reported.reason.clone())
    }

    /// The losses from the start.
    pub(crate) fn total(&self) -> Option<Loss> {
        let reported = self.reported();
        self.loss(self.counts(), reported.forgiven, reported.reason.clone())
    }

    fn loss(&self, counts: Counts, from: Counts, reason: Option<String>) -> Option<Loss> {
        let lost = |reason: Reason| counts[reason as usize].saturating_sub(from[reason as usize]);
        let loss = Loss {
            signal: self.signal,
            queue_full: lost(Reason::QueueFull),
            queue_bytes: lost(Reason::QueueBytes),
            export_failed: lost(Reason::ExportFailed),
            rejected: lost(Reason::Rejected),
            timeout: lost(Reason::Timeout),
            panicked: lost(Reason::Panicked),
            shutdown: lost(Reason::Shutdown) + lost(Reason::AlreadyShutdown),
            unanswered: None,
            reason,
        };
        (loss.items() > 0).then_some(loss)
    }

    fn counts(&self) -> Counts {
        array::from_fn(|at| self.lost[at].load(Ordering::Relaxed))
    }

    fn reported(&self) -> std::sync::MutexGuard<'_, Reported> {
        self.reported.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flush_reports_what_is_new_and_shutdown_reports_everything() {
        let losses = Losses::new("spans");
        assert_eq!(losses.since_flush(), None);
        losses.lost(Reason::QueueFull, 2);
        assert_eq!(losses.since_flush().unwrap().queue_full, 2);
        assert_eq!(losses.since_flush(), None);
        losses.lost(Reason::Timeout, 3);
        let loss = losses.since_flush().unwrap();
        assert_eq!((loss.queue_full, loss.timeout), (0, 3));
        let total = losses.total().unwrap();
        assert_eq!((total.queue_full, total.timeout), (2, 3));
    }

    #[test]
    fn a_loss_that_was_made_up_for_is_not_reported() {
        let losses = Losses::new("metric points");
        losses.lost(Reason::ExportFailed, 4);
        losses.forgive();
        assert_eq!(losses.total(), None);
        losses.lost(Reason::ExportFailed, 1);
        assert_eq!(losses.total().unwrap().export_failed, 1);
    }
}
