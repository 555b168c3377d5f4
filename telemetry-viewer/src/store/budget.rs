//! How much memory requests may take while they are received, all of them together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A share of memory that requests in progress divide among them. A clone is the same share.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    used: Arc<AtomicUsize>,
    limit: usize,
}

/// Memory promised to one request, given back when dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Budget,
    bytes: usize,
}

/// Why a request may not have the memory it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRoom {
    /// It alone needs more than all may have together.
    TooLarge,
    /// Other requests hold the memory at present.
    Busy,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            used: Arc::default(),
            limit,
        }
    }

    /// Bytes promised to requests in progress.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// An empty reservation.
    pub(crate) fn reserve(&self) -> Reservation {
        Reservation {
            budget: self.clone(),
            bytes: 0,
        }
    }
}

impl Reservation {
    /// Promises so many further bytes, or says why they cannot be had.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), NoRoom> {
        if self.bytes.saturating_add(bytes) > self.budget.limit {
            return Err(NoRoom::TooLarge);
        }
        let more = |used: usize| {
            let sum = used.saturating_add(bytes);
            (sum <= self.budget.limit).then_some(sum)
        };
        let used = &self.budget.used;
        used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .map_err(|_| NoRoom::Busy)?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_promised_is_never_more_than_the_limit_and_comes_back() {
        let budget = Budget::new(100);
        let mut first = budget.reserve();
        assert_eq!(first.grow(60), Ok(()));
        let mut second = budget.reserve();
        assert_eq!(second.grow(41), Err(NoRoom::Busy));
        assert_eq!(second.grow(40), Ok(()));
        assert_eq!(first.grow(41), Err(NoRoom::TooLarge));
        assert_eq!(budget.used(), 100);
        drop(first);
        assert_eq!(budget.used(), 40);
        drop(second);
        assert_eq!(budget.used(), 0);
    }
}
