//! So many a second: a token bucket in one atomic.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

const SECOND: u64 = 1_000_000_000;

/// The time since some moment in the past; never goes back.
pub(crate) type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// The time since now, by the system's monotonic clock.
pub(crate) fn monotonic() -> Clock {
    let started = Instant::now();
    Arc::new(move || started.elapsed())
}

/// Grants at most `rate` a second, after a pause up to one second's worth at once, and always at least one.
///
/// It holds the nanosecond at which the bucket would be full again (the generic cell rate algorithm). Taking a token
/// moves that moment on by compare-and-swap: no lock, no thread that refills, and the loser of a race tries again
/// only because another has won.
pub(crate) struct RateLimit {
    /// Nanoseconds that one token takes to come back; `None` grants nothing.
    interval: Option<u64>,
    full_at: AtomicU64,
    clock: Clock,
}

impl RateLimit {
    /// A rate that is not above 0 grants nothing.
    pub(crate) fn new(rate: f64, clock: Clock) -> Self {
        let interval = (rate > 0.0).then(|| ((SECOND as f64 / rate).round() as u64).max(1));
        Self {
            interval,
            full_at: AtomicU64::new(0),
            clock,
        }
    }

    /// True if there is a token, and takes it.
    pub(crate) fn take(&self) -> bool {
        let Some(interval) = self.interval else {
            return false;
        };
        let now = u64::try_from((self.clock)().as_nanos()).unwrap_or(u64::MAX);
        let latest = now.saturating_add(SECOND.saturating_sub(interval));
        self.full_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full_at| {
                (full_at <= latest).then(|| full_at.max(now).saturating_add(interval))
            })
            .is_ok()
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("interval", &self.interval.map(Duration::from_nanos))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicUsize, thread};

    use proptest::prelude::*;

    use super::*;

    fn clock() -> (Arc<AtomicU64>, Clock) {
        let nanos = Arc::new(AtomicU64::new(0));
        let clock = {
            let nanos = nanos.clone();
            Arc::new(move || Duration::from_nanos(nanos.load(Ordering::Relaxed)))
        };
        (nanos, clock)
    }

    fn taken(limit: &RateLimit, tries: usize) -> usize {
        (0..tries).filter(|_| limit.take()).count()
    }

    #[test]
    fn a_seconds_worth_at_once_and_then_one_by_one() {
        let (nanos, clock) = clock();
        let limit = RateLimit::new(10.0, clock);
        assert_eq!(taken(&limit, 100), 10);
        nanos.store(SECOND / 10 - 1, Ordering::Relaxed);
        assert_eq!(taken(&limit, 100), 0);
        nanos.store(SECOND / 10, Ordering::Relaxed);
        assert_eq!(taken(&limit, 100), 1);
        nanos.store(100 * SECOND, Ordering::Relaxed);
        assert_eq!(taken(&limit, 100), 10);
    }

    #[test]
    fn less_than_one_a_second_is_possible() {
        let (nanos, clock) = clock();
        let limit = RateLimit::new(0.1, clock);
        assert_eq!(taken(&limit, 5), 1);
        nanos.store(9 * SECOND, Ordering::Relaxed);
        assert_eq!(taken(&limit, 5), 0);
        nanos.store(10 * SECOND, Ordering::Relaxed);
        assert_eq!(taken(&limit, 5), 1);
    }

    #[test]
    fn a_rate_of_nothing_grants_nothing() {
        for rate in [0.0, -1.0, f64::NAN] {
            assert_eq!(taken(&RateLimit::new(rate, monotonic()), 5), 0);
        }
    }

    #[test]
    fn threads_together_get_no_more_than_one_alone() {
        let (_, clock) = clock();
        let limit = RateLimit::new(100.0, clock);
        let total = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| total.fetch_add(taken(&limit, 1000), Ordering::Relaxed));
            }
        });
        assert_eq!(total.into_inner(), 100);
    }

    proptest! {
        #[test]
        fn no_window_grants_more_than_its_share_and_a_burst(
            rate in 1_u32..1000,
            steps in prop::collection::vec((0_u64..SECOND / 50, 0_usize..20), 1..200),
        ) {
            let (nanos, clock) = clock();
            let limit = RateLimit::new(f64::from(rate), clock);
            let mut now = 0;
            let mut granted = Vec::new();
            for (pause, tries) in steps {
                now += pause;
                nanos.store(now, Ordering::Relaxed);
                granted.push((now, taken(&limit, tries)));
            }
            for from in 0..granted.len() {
                let mut sum = 0;
                for (at, count) in &granted[from..] {
                    sum += count;
                    let window = (at - granted[from].0) as f64 / SECOND as f64;
                    // One more for the nanosecond that an interval is rounded by.
                    prop_assert!(sum as f64 <= f64::from(rate) * (1.0 + window) + 1.0);
                }
            }
        }

        #[test]
        fn after_an_interval_there_is_a_token(rate in 1_u32..1000, rounds in 1_u64..50) {
            let (nanos, clock) = clock();
            let limit = RateLimit::new(f64::from(rate), clock);
            taken(&limit, 2000);
            for round in 1..=rounds {
                nanos.store(round * (SECOND / u64::from(rate) + 1), Ordering::Relaxed);
                prop_assert!(limit.take());
            }
        }
    }
}
