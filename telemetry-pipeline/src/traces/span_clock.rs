//! The times of a span: its start by the wall clock, and everything after it by the monotonic clock, so that a step of the
//! wall clock changes no duration.

use std::time::{Duration, Instant, SystemTime};

/// Clocks that are read one after the other differ by less, if none was set.
const READING: Duration = Duration::from_micros(20);

/// A time that was read so recently is meant as now.
const RECENT: Duration = Duration::from_micros(200);

/// The clock of one span.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpanClock {
    wall: SystemTime,
    monotonic: Instant,
}

impl SpanClock {
    /// A span starts now.
    pub(crate) fn start() -> Self {
        Self {
            wall: SystemTime::now(),
            monotonic: Instant::now(),
        }
    }

    pub(crate) fn start_time(&self) -> SystemTime {
        self.wall
    }

    /// The time of an end or an event. The API hands over the present time of the wall clock, or a time that a caller has named.
    ///
    /// One that is now becomes the start plus the time since; one that was named stays.
    pub(crate) fn corrected(&self, time: SystemTime) -> SystemTime {
        let now = self.now();
        if apart(time, now) <= READING && time >= self.wall {
            return time;
        }
        if apart(time, SystemTime::now()) <= RECENT {
            now
        } else {
            time
        }
    }

    /// The start plus the time since.
    fn now(&self) -> SystemTime {
        let elapsed = self.monotonic.elapsed();
        self.wall.checked_add(elapsed).unwrap_or(self.wall)
    }
}

fn apart(one: SystemTime, other: SystemTime) -> Duration {
    let apart = one.duration_since(other);
    apart.unwrap_or_else(|error| error.duration())
}

/// How far the wall clock is from the monotonic one, to tell later whether it was set meanwhile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WallOffset {
    /// Nanoseconds of the wall clock when the monotonic one was at its origin of this process.
    nanos: i64,
}

impl WallOffset {
    pub(crate) fn nanos(self) -> i64 {
        self.nanos
    }

    pub(crate) fn of_nanos(nanos: i64) -> Self {
        Self { nanos }
    }

    /// The offset now, against this origin.
    pub(crate) fn now(origin: Instant) -> Self {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let wall = wall.map_or(0, |wall| wall.as_nanos() as i64);
        let monotonic = origin.elapsed().as_nanos() as i64;
        Self {
            nanos: wall.wrapping_sub(monotonic),
        }
    }

    /// The time as the clock would have shown it had it not been set since an earlier offset.
    pub(crate) fn undo(self, since: Self, time: SystemTime) -> SystemTime {
        let step = self.nanos.wrapping_sub(since.nanos);
        let size = Duration::from_nanos(step.unsigned_abs());
        if size <= READING {
            return time;
        }
        let undone = if step > 0 {
            time.checked_sub(size)
        } else {
            time.checked_add(size)
        };
        undone.unwrap_or(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [Duration; 5] = [
        Duration::from_millis(1),
        Duration::from_millis(100),
        Duration::from_secs(1),
        Duration::from_secs(3600),
        Duration::from_secs(86_400),
    ];

    /// A span that started 50 ms ago, when the wall clock was this far from what it is now.
    fn stepped(forward: bool, step: Duration) -> (SpanClock, SystemTime) {
        let lasted = Duration::from_millis(50);
        let real = SystemTime::now() - lasted;
        let wall = if forward { real - step } else { real + step };
        let monotonic = Instant::now() - lasted;
        (SpanClock { wall, monotonic }, wall + lasted)
    }

    #[test]
    fn a_step_of_the_clock_in_either_direction_changes_no_duration() {
        for step in STEPS {
            for forward in [true, false] {
                let (clock, expected) = stepped(forward, step);
                let end = clock.corrected(SystemTime::now());
                assert!(
                    end >= expected && apart(end, expected) < Duration::from_millis(20),
                    "{step:?} {forward}"
                );
            }
        }
    }

    #[test]
    fn a_time_that_was_named_stays() {
        let clock = SpanClock::start();
        for time in [
            SystemTime::UNIX_EPOCH,
            clock.wall - Duration::from_secs(1),
            clock.wall + Duration::from_secs(60),
        ] {
            assert_eq!(clock.corrected(time), time);
        }
    }

    #[test]
    fn a_step_is_undone_in_a_time_that_was_read_after_it() {
        let origin = Instant::now();
        let after = WallOffset::now(origin);
        let end = SystemTime::now();
        for step in STEPS {
            let nanos = i64::try_from(step.as_nanos()).unwrap();
            let forward = WallOffset::of_nanos(after.nanos - nanos);
            assert_eq!(after.undo(forward, end), end - step);
            let back = WallOffset::of_nanos(after.nanos + nanos);
            assert_eq!(after.undo(back, end), end + step);
        }
        assert_eq!(after.undo(after, end), end);
    }
}
