//! The bounds of a batch and of its queue.

use std::time::Duration;

/// Room for 100,000 spans of ten attributes. It is taken only while that many wait.
pub(crate) const QUEUE_BYTES: usize = 128 * 1024 * 1024;

/// The specification's default bound of a queue, where a bound of items is asked for.
pub(crate) const QUEUE_ITEMS: usize = 2048;

/// The bounds of a queue and of the batches that leave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batching {
    /// The most items that may wait; `usize::MAX` if only their size is bounded.
    pub(crate) queue: usize,
    /// The most items of a batch.
    pub(crate) batch: usize,
    /// The longest wait of an item for others.
    pub(crate) delay: Duration,
    /// The most memory that queued items may hold, about.
    pub(crate) bytes: usize,
}
