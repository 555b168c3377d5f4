//! The bounds of a batch and of its queue.

use std::time::Duration;

/// 16 KiB for each of the default 2048 items: never reached by ordinary ones, and a bound for those that carry payloads.
pub(crate) const QUEUE_BYTES: usize = 32 * 1024 * 1024;

/// The bounds of the items that wait, and of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batching {
    /// In items.
    pub(crate) queue: usize,
    /// In items.
    pub(crate) batch: usize,
    /// The longest wait of an item for others.
    pub(crate) delay: Duration,
    /// The most memory that queued items may hold, roughly.
    pub(crate) bytes: usize,
}
