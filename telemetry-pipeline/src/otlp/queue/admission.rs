//! The counters of a queue: they decide which items come in, and when the exporter is woken. Nothing waits for a lock.
//!
//! The atomics come from the parent, so that a model checker can run the same code on its own.

use super::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// In the count of items: the queue is closed. One atomic holds both, so that an item is counted before or after the
/// end, for every thread alike.
const CLOSED: u64 = 1 << 63;

/// The most that may wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) items: u64,
    pub(super) bytes: usize,
    /// With so many items a batch is full.
    pub(super) batch: u64,
}

/// Why an item stays outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Closed,
    Items,
    Bytes,
}

#[derive(Debug)]
pub(super) struct Admission {
    bounds: Bounds,
    /// Never less than the items that were put in; the count of one that is refused is taken back.
    pushed: AtomicU64,
    taken: AtomicU64,
    bytes: AtomicUsize,
    /// True if the exporter knows that a batch is full, so that one push of many wakes it.
    woken: AtomicBool,
}

impl Admission {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            pushed: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            bytes: AtomicUsize::new(0),
            woken: AtomicBool::new(false),
        }
    }

    pub(super) fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Counts an item of this size. An item that is counted must be put in, or be given back.
    pub(super) fn admit(&self, size: usize) -> Result<u64, Refused> {
        let pushed = self.pushed.fetch_add(1, Ordering::AcqRel);
        let waiting = (pushed & !CLOSED).saturating_sub(self.taken.load(Ordering::Relaxed));
        let refused = if pushed & CLOSED != 0 {
            Refused::Closed
        } else if waiting >= self.bounds.items {
            Refused::Items
        } else {
            let bytes = self.bytes.fetch_add(size, Ordering::Relaxed);
            if bytes.saturating_add(size) <= self.bounds.bytes {
                return Ok(waiting + 1);
            }
            self.bytes.fetch_sub(size, Ordering::Relaxed);
            Refused::Bytes
        };
        self.give_back();
        Err(refused)
    }

    /// An item that was counted is not put in after all.
    pub(super) fn give_back(&self) {
        self.pushed.fetch_sub(1, Ordering::AcqRel);
    }

    /// True if the push that made the queue so long has to wake the exporter.
    pub(super) fn fills_batch(&self, waiting: u64) -> bool {
        waiting >= self.bounds.batch && !self.woken.swap(true, Ordering::AcqRel)
    }

    /// True if a batch is full. If not, the push that fills it wakes the exporter.
    pub(super) fn has_batch_or_wakes(&self) -> bool {
        if self.waiting() >= self.bounds.batch {
            return true;
        }
        self.woken.swap(false, Ordering::AcqRel);
        // A batch may have become full between the two looks.
        self.waiting() >= self.bounds.batch
    }

    /// The exporter has taken out so many items, of so many bytes.
    pub(super) fn took(&self, items: u64, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.taken.fetch_add(items, Ordering::Relaxed);
    }

    /// From now on nothing comes in.
    pub(super) fn close(&self) {
        self.pushed.fetch_or(CLOSED, Ordering::AcqRel);
    }

    /// Items that were put in, or are about to be.
    pub(super) fn pushed(&self) -> u64 {
        self.pushed.load(Ordering::Acquire) & !CLOSED
    }

    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Items that wait, or are about to.
    pub(super) fn waiting(&self) -> u64 {
        let taken = self.taken();
        self.pushed().saturating_sub(taken)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}
