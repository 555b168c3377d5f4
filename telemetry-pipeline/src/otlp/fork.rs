//! The process that exports. A fork has the memory of its parent and none of its threads, so nothing is sent there.

use std::{
    process,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

/// The reason why a forked process loses its items.
pub(crate) const FORKED: &str = "this process is a fork, in which the thread that exports does not exist: start telemetry \
                                 after the fork, or call force_flush before it and exec after it";

/// Asking for the process costs a system call, so it is asked at most once in 2^27 ns, which are 134 ms.
const TICK_BITS: u32 = 27;

/// The process in which telemetry was built.
#[derive(Debug)]
pub(crate) struct Home {
    process: u32,
    last_tick: AtomicU64,
    reported: AtomicBool,
}

impl Home {
    pub(crate) fn here() -> Self {
        Self {
            process: process::id(),
            last_tick: AtomicU64::new(0),
            reported: AtomicBool::new(false),
        }
    }

    /// True if this is another process than the one in which telemetry was built.
    pub(crate) fn is_left(&self) -> bool {
        process::id() != self.process
    }

    /// [`is_left`](Self::is_left), at a price for every item. `now` is about the time of the wall clock.
    #[inline]
    pub(crate) fn is_seen_left(&self, now: SystemTime) -> bool {
        let nanos = now
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_nanos();
        let tick = (nanos >> TICK_BITS) as u64;
        if self.last_tick.load(Ordering::Relaxed) == tick {
            return self.reported.load(Ordering::Relaxed);
        }
        self.look(tick)
    }

    #[cold]
    fn look(&self, tick: u64) -> bool {
        let left = self.is_left();
        if left && !self.reported.swap(true, Ordering::Relaxed) {
            report();
        }
        self.last_tick.store(tick, Ordering::Relaxed);
        left
    }
}

/// Writes past the lock of standard error: the thread that held it may not exist here, and then nothing ever frees it.
#[cfg(unix)]
fn report() {
    let line = format!("telemetry is lost from here on: {FORKED}\n");
    let _ = rustix::io::write(rustix::stdio::stderr(), line.as_bytes());
}

/// Systems other than Unix have no fork.
#[cfg(not(unix))]
fn report() {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_fork_is_seen_with_the_first_item_after_a_tick() {
        let home = Home::here();
        let now = SystemTime::now();
        assert!(!home.is_left() && !home.is_seen_left(now));
        // The state in a child, whose memory is that of its parent.
        let child = Home {
            process: process::id() + 1,
            last_tick: AtomicU64::new(home.last_tick.load(Ordering::Relaxed)),
            reported: AtomicBool::new(false),
        };
        assert!(child.is_left());
        assert!(child.is_seen_left(now + Duration::from_millis(135)));
        assert!(
            child.is_seen_left(now + Duration::from_millis(135)),
            "and stays seen"
        );
        assert!(child.reported.load(Ordering::Relaxed));
    }
}
