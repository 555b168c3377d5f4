//! Time that stands still until a test moves it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

/// A clock that stands still until it is advanced. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<Mutex<Vec<Tick>>>);

/// From a real time on the clock shows this.
#[derive(Clone, Copy, Debug)]
struct Tick {
    real: SystemTime,
    shown: SystemTime,
}

impl TestClock {
    pub(crate) fn new(start: SystemTime) -> Self {
        Self(Arc::new(Mutex::new(vec![Tick {
            real: SystemTime::now(),
            shown: start,
        }])))
    }

    /// Moves the clock forward. What is recorded from now on has the new time.
    pub fn advance(&self, by: Duration) {
        let mut ticks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = ticks.last().map(|tick| tick.shown + by);
        ticks.extend(shown.map(|shown| Tick {
            real: SystemTime::now(),
            shown,
        }));
    }

    /// The time that the clock shows now.
    pub fn now(&self) -> SystemTime {
        self.shown(SystemTime::now())
    }

    /// The time that the clock showed at a real time. A time before the clock was made was set by hand and stays.
    pub(crate) fn shown(&self, real: SystemTime) -> SystemTime {
        let ticks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tick = ticks.iter().rev().find(|tick| tick.real <= real);
        tick.map_or(real, |tick| tick.shown)
    }
}
