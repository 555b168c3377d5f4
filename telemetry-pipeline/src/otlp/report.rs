//! Says once that a collector is not reached, and once that it is again; reminds with back-off.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use tracing::dispatcher::{self, Dispatch, WeakDispatch};

const FIRST_REMINDER: Duration = Duration::from_secs(60);
const LAST_REMINDER: Duration = Duration::from_secs(3600);

/// Shared by all signals, so that three signals to one dead collector are one line.
#[derive(Default)]
pub(crate) struct Reporter {
    collectors: Mutex<HashMap<String, Collector>>,
    callbacks: Mutex<Pace>,
    /// Weak, as the subscriber owns the queue whose exporter owns this.
    log: OnceLock<WeakDispatch>,
}

#[derive(Debug, Default)]
struct Collector {
    failing_since: Option<Instant>,
    /// True if the failure was put into a line, so that its end is worth one.
    said: bool,
    failures: Pace,
    rejections: Pace,
    /// Signals that it answers and does not accept.
    refused: HashMap<&'static str, Refusal>,
}

#[derive(Debug, Default)]
struct Refusal {
    refusing: bool,
    lines: Pace,
}

/// When a line of one kind may be written: at once, then after pauses that double.
#[derive(Debug)]
struct Pace {
    next: Option<Instant>,
    pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            next: None,
            pause: FIRST_REMINDER,
        }
    }
}

impl Pace {
    fn allows(&mut self, now: Instant) -> bool {
        match self.next {
            Some(next) if now < next => return false,
            // Quiet for a whole pause since then: what happens now is a new story.
            Some(next) if now >= next + self.pause => self.pause = FIRST_REMINDER,
            Some(_) => self.pause = (self.pause * 2).min(LAST_REMINDER),
            None => {}
        }
        self.next = Some(now + self.pause);
        true
    }
}

impl Reporter {
    /// Where lines go. Before, there are none: nothing is exported yet.
    pub(crate) fn log_to(&self, dispatch: &Dispatch) {
        let _ = self.log.set(dispatch.downgrade());
    }

    pub(crate) fn failed(&self, origin: &str, reason: &str) {
        self.failed_at(Instant::now(), origin, reason);
    }

    fn failed_at(&self, now: Instant, origin: &str, reason: &str) {
        let mut collectors = self.collectors();
        let collector = entry(&mut collectors, origin);
        let reminder = collector.failing_since.is_some() && collector.said;
        let since = *collector.failing_since.get_or_insert(now);
        if !collector.failures.allows(now) {
            return;
        }
        collector.said = true;
        drop(collectors);
        let seconds = now.duration_since(since).as_secs();
        self.log(|| {
            if reminder {
                tracing::warn!(target: "telemetry", endpoint = origin, reason, seconds, "telemetry still does not reach its collector");
            } else {
                tracing::warn!(
                    target: "telemetry",
                    endpoint = origin,
                    reason,
                    "telemetry does not reach its collector; requests are served as usual. Start a collector there or \
                     set OTEL_EXPORTER_OTLP_ENDPOINT, or OTEL_TRACES_EXPORTER, OTEL_METRICS_EXPORTER and \
                     OTEL_LOGS_EXPORTER to none"
                );
            }
        });
    }

    /// The collector accepted telemetry of this signal.
    pub(crate) fn succeeded(&self, origin: &str, signal: &'static str) {
        self.reached(origin);
        let mut collectors = self.collectors();
        let refusal = collectors
            .get_mut(origin)
            .and_then(|collector| collector.refused.get_mut(signal));
        let accepted_again = refusal.is_some_and(|refusal| std::mem::take(&mut refusal.refusing));
        drop(collectors);
        if accepted_again {
            self.log(|| {
                tracing::info!(target: "telemetry", endpoint = origin, signal, "telemetry of this signal is delivered again");
            });
        }
    }

    /// The collector answered, and does not take this signal: some take only one. That is no reason to say that it is
    /// not reached.
    pub(crate) fn refused(&self, origin: &str, signal: &'static str, reason: &str) {
        self.reached(origin);
        let mut collectors = self.collectors();
        let refusal = entry(&mut collectors, origin)
            .refused
            .entry(signal)
            .or_default();
        if !refusal.lines.allows(Instant::now()) {
            return;
        }
        refusal.refusing = true;
        drop(collectors);
        self.log(|| {
            tracing::warn!(
                target: "telemetry",
                endpoint = origin,
                signal,
                reason,
                "telemetry of this signal is not delivered; requests are served as usual. If the collector does not take it, set \
                 the signal's own endpoint, or its OTEL_*_EXPORTER to none"
            );
        });
    }

    fn reached(&self, origin: &str) {
        let mut collectors = self.collectors();
        let Some(collector) = collectors.get_mut(origin) else {
            return;
        };
        let Some(since) = collector.failing_since.take() else {
            return;
        };
        // A collector that comes and goes is not one line each time.
        if !std::mem::take(&mut collector.said) {
            return;
        }
        drop(collectors);
        let seconds = since.elapsed().as_secs();
        self.log(|| {
            tracing::info!(target: "telemetry", endpoint = origin, seconds, "telemetry reaches its collector again");
        });
    }

    /// A collector accepted a request without some of its items, or with a warning.
    pub(crate) fn rejected(&self, origin: &str, signal: &str, rejected: u64, reason: &str) {
        let mut collectors = self.collectors();
        if !entry(&mut collectors, origin)
            .rejections
            .allows(Instant::now())
        {
            return;
        }
        drop(collectors);
        self.log(|| {
            tracing::warn!(target: "telemetry", endpoint = origin, signal, rejected, reason, "the collector accepted telemetry only in part, or with a warning");
        });
    }

    /// A callback of an observable metric panicked, the nth time in this process.
    pub(crate) fn callback_panicked(&self, instrument: &str, panics: u64) {
        let mut callbacks = self
            .callbacks
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !callbacks.allows(Instant::now()) {
            return;
        }
        drop(callbacks);
        self.log(|| {
            tracing::warn!(target: "telemetry", instrument, panics, "the callback of an observable metric panicked; its measurement is missing");
        });
    }

    /// Standard output takes lines again, after it did not take so many.
    pub(crate) fn lines_lost(&self, lines: u64) {
        self.log(|| {
            tracing::warn!(target: "telemetry", lines, "log lines were lost because standard output did not take them");
        });
    }

    /// An instrument has more sets of attribute values than it may have series. Said once for each, by the caller.
    pub(crate) fn overflowed(&self, instrument: &str, limit: Option<usize>) {
        self.log(|| {
            tracing::warn!(
                target: "telemetry",
                instrument,
                limit,
                "an instrument has reached its limit of series; what is recorded with further attribute values is \
                 counted in the series otel.metric.overflow. Look for an attribute that takes too many values, such as \
                 an id; a view (Config::with_view) can drop the attribute. What raises the limit is max_series for an \
                 instrument that is declared as a static, and a view for others of your own"
            );
        });
    }

    /// Writes a line where the pipeline writes its own.
    pub(crate) fn log(&self, line: impl FnOnce()) {
        if let Some(dispatch) = self.log.get().and_then(WeakDispatch::upgrade) {
            dispatcher::with_default(&dispatch, line);
        }
    }

    fn collectors(&self) -> MutexGuard<'_, HashMap<String, Collector>> {
        self.collectors
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn entry<'a>(collectors: &'a mut HashMap<String, Collector>, origin: &str) -> &'a mut Collector {
    collectors.entry(origin.to_owned()).or_default()
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_at_once_and_then_with_pauses_that_double() {
        let start = Instant::now();
        let mut pace = Pace::default();
        let lines: Vec<_> = (0..3600)
            .filter(|second| pace.allows(start + Duration::from_secs(*second)))
            .collect();
        assert_eq!(lines, [0, 60, 180, 420, 900, 1860]);
    }

    #[test]
    fn after_a_quiet_time_a_failure_is_said_at_once_and_reminders_start_anew() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut pace = Pace::default();
        assert!(pace.allows(at(0)) && pace.allows(at(60)));
        assert!(pace.allows(at(10_000)));
        assert!(!pace.allows(at(10_059)) && pace.allows(at(10_060)));
    }
}
