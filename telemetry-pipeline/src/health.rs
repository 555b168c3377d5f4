//! The health of export, for people and for readiness probes.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use crate::{
    metrics::{metric_reader::SharedReader, overflow::Overflows},
    otlp::{Monitor, Outcomes, Signal},
};

/// The health of export now: each call looks again. Clones are cheap, and outlive the telemetry.
///
/// A service works without its telemetry, so by default no probe should fail for it: a collector that restarts would take
/// every service out of rotation. Show it instead, and fail only where a service without telemetry must not
/// run, and only after a while:
///
/// ```
/// use std::time::Duration;
/// use telemetry_pipeline::Config;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let config = Config::new("shop").with_environment([("OTEL_TRACES_EXPORTER", "none")]);
/// let telemetry = config.build()?;
/// let health = telemetry.health();
/// println!("{health}");
/// assert_eq!(health.delivering(Duration::from_secs(600)), Ok(()));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct TelemetryHealth {
    monitors: Arc<[Arc<Monitor>]>,
    overflows: Arc<Overflows>,
    readers: Arc<[SharedReader]>,
    /// True after shutdown.
    ended: Arc<AtomicBool>,
}

/// The health of the export of one signal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignalHealth {
    /// `traces`, `metrics` or `logs`.
    pub signal: &'static str,
    /// When the collector last accepted a request.
    pub last_success: Option<SystemTime>,
    /// When an export last failed, and why.
    pub last_failure: Option<(SystemTime, String)>,
    /// When the first export since the last success failed.
    pub failing_since: Option<SystemTime>,
    /// Exports, each with its retries, that failed since the last success.
    pub consecutive_failures: u64,
    /// Items that wait; 0 for metrics, which have no queue.
    pub queued: u64,
    /// The number of items that may wait; 0 for metrics.
    pub queue_capacity: u64,
    /// Items that the collector accepted.
    pub exported: u64,
    /// Items that were lost for any reason. Of metrics these are points whose successors may have arrived.
    pub dropped: u64,
}

impl TelemetryHealth {
    pub(crate) fn new(
        monitors: Vec<Arc<Monitor>>,
        overflows: Arc<Overflows>,
        readers: Vec<SharedReader>,
        ended: Arc<AtomicBool>,
    ) -> Self {
        Self {
            monitors: monitors.into(),
            overflows,
            readers: readers.into(),
            ended,
        }
    }

    /// The signals that are exported over OTLP.
    pub fn signals(&self) -> Vec<SignalHealth> {
        self.monitors.iter().map(|monitor| of(monitor)).collect()
    }

    /// Traces; `None` if they are not exported over OTLP.
    pub fn traces(&self) -> Option<SignalHealth> {
        self.signal(Signal::Traces)
    }

    /// Metrics; `None` if they are not exported over OTLP.
    pub fn metrics(&self) -> Option<SignalHealth> {
        self.signal(Signal::Metrics)
    }

    /// Log records; `None` if they are not exported over OTLP.
    pub fn logs(&self) -> Option<SignalHealth> {
        self.signal(Signal::Logs)
    }

    /// Metrics with more sets of attribute values than they may have series, as far as they have been read.
    pub fn overflowing_metrics(&self) -> Vec<String> {
        self.overflows.names()
    }

    /// The reason why metrics could not be read the last time, at a scrape or for an export. `None` if they could, or were
    /// not read yet.
    pub fn metrics_failure(&self) -> Option<String> {
        let failures = self.readers.iter().filter_map(SharedReader::failure);
        failures.map(|failure| failure.reason).next()
    }

    /// `Ok` if no signal has been failing for longer than this, and metrics can be read. A signal that has nothing to
    /// export does not fail.
    ///
    /// # Errors
    ///
    /// One line for each signal that has, or a line about the shutdown.
    pub fn delivering(&self, patience: Duration) -> Result<(), String> {
        let late = |health: &SignalHealth| {
            let since = health.failing_since?;
            is_older(since, patience).then_some(())
        };
        let signals = self.signals();
        let mut failing: String = signals
            .iter()
            .filter(|health| late(health).is_some())
            .map(|health| format!("{health}\n"))
            .collect();
        let unread = self.readers.iter().filter_map(SharedReader::failure);
        for failure in unread.filter(|failure| is_older(failure.since, patience)) {
            failing.push_str(&format!("the metrics cannot be read: {}\n", failure.reason));
        }
        if self.ended.load(Ordering::Relaxed) {
            Err("telemetry was shut down\n".to_owned() + &failing)
        } else if failing.is_empty() {
            Ok(())
        } else {
            Err(failing)
        }
    }

    fn signal(&self, signal: Signal) -> Option<SignalHealth> {
        let monitor = self
            .monitors
            .iter()
            .find(|monitor| monitor.signal() == signal);
        monitor.map(|monitor| of(monitor))
    }
}

fn is_older(since: SystemTime, patience: Duration) -> bool {
    let passed = SystemTime::now().duration_since(since);
    passed.is_ok_and(|passed| passed >= patience)
}

fn of(monitor: &Monitor) -> SignalHealth {
    let Outcomes {
        last_success,
        last_failure,
        failing_since,
        consecutive_failures,
    } = monitor.outcomes().clone();
    let (queued, queue_capacity) = monitor.queue().unwrap_or_default();
    SignalHealth {
        signal: match monitor.signal() {
            Signal::Traces => "traces",
            Signal::Metrics => "metrics",
            Signal::Logs => "logs",
        },
        last_success,
        last_failure,
        failing_since,
        consecutive_failures,
        queued,
        queue_capacity,
        exported: monitor.exported(),
        dropped: monitor.dropped(),
    }
}

/// One line, such as `traces: delivered 2 s ago, 0 of 2048 queued, 1200 exported, 0 dropped`.
impl fmt::Display for SignalHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ago = |time: SystemTime| time.elapsed().unwrap_or_default().as_secs();
        write!(f, "{}: ", self.signal)?;
        match self.last_success {
            Some(time) => write!(f, "delivered {} s ago", ago(time))?,
            None => f.write_str("nothing delivered yet")?,
        }
        if let (Some(since), Some((_, why))) = (self.failing_since, &self.last_failure) {
            let (failures, ago) = (self.consecutive_failures, ago(since));
            write!(f, ", {failures} failures since {ago} s ({why})")?;
        }
        if self.queue_capacity > 0 {
            write!(f, ", {} of {} queued", self.queued, self.queue_capacity)?;
        }
        write!(f, ", {} exported, {} dropped", self.exported, self.dropped)
    }
}

/// One line a signal, one for metrics that overflow, and one if the metrics cannot be read.
impl fmt::Display for TelemetryHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<_> = self.signals().iter().map(ToString::to_string).collect();
        let overflowing = self.overflowing_metrics();
        if !overflowing.is_empty() {
            lines.push(format!("too many series: {}", overflowing.join(", ")));
        }
        lines.extend(
            self.metrics_failure()
                .map(|reason| format!("metrics cannot be read: {reason}")),
        );
        f.write_str(&lines.join("\n"))
    }
}

impl fmt::Debug for TelemetryHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.signals()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_that_cannot_be_read_are_told_of() {
        let reader = SharedReader::new();
        let health = TelemetryHealth::new(
            Vec::new(),
            Arc::new(Overflows::new(Arc::default())),
            vec![reader.clone()],
            Arc::default(),
        );
        assert_eq!(health.metrics_failure(), None);
        assert_eq!(health.delivering(Duration::ZERO), Ok(()));
        let reason = reader.read("test").unwrap_err();
        assert_eq!(health.metrics_failure(), Some(reason.clone()));
        assert!(health.to_string().contains(&reason), "{health}");
        let failing = health.delivering(Duration::ZERO).unwrap_err();
        assert!(failing.contains(&reason), "{failing}");
        assert_eq!(health.delivering(Duration::from_secs(60)), Ok(()));
    }
}
