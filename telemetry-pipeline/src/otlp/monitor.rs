//! The state of one signal's export: the source of its metrics and of its health.

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, SystemTime},
};

use opentelemetry::{KeyValue, metrics::Histogram};

pub(crate) use super::signal::Signal;
use super::{
    answer::Answered,
    endpoint::Endpoint,
    losses::{Losses, Reason},
    queue::Fill,
};

/// Watches the export of one signal.
pub(crate) struct Monitor {
    signal: Signal,
    losses: Arc<Losses>,
    queue: Option<Fill>,
    /// `otel.component.type` of the exporter.
    exporter: String,
    server: Vec<KeyValue>,
    durations: OnceLock<Histogram<f64>>,
    outcomes: Mutex<Outcomes>,
}

/// How exports went.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcomes {
    pub(crate) last_success: Option<SystemTime>,
    pub(crate) last_failure: Option<(SystemTime, String)>,
    /// Since the last success.
    pub(crate) failing_since: Option<SystemTime>,
    pub(crate) consecutive_failures: u64,
}

impl Monitor {
    pub(crate) fn new(
        signal: Signal,
        endpoint: &Endpoint,
        losses: Arc<Losses>,
        queue: Option<Fill>,
    ) -> Self {
        // Known from the start, so that the first loss is an increase in the metric.
        losses.failed(Reason::ExportFailed, "connection_failed", 0);
        losses.failed(Reason::Timeout, "timeout", 0);
        losses.failed(Reason::Rejected, "rejected", 0);
        let server = match &endpoint.socket {
            Some(path) => vec![KeyValue::new("server.address", path.display().to_string())],
            None => vec![
                KeyValue::new("server.address", endpoint.host().to_owned()),
                KeyValue::new("server.port", i64::from(endpoint.port())),
            ],
        };
        Self {
            signal,
            losses,
            queue,
            exporter: signal.component(endpoint.protocol.facts().component),
            server,
            durations: OnceLock::new(),
            outcomes: Mutex::default(),
        }
    }

    pub(crate) fn signal(&self) -> Signal {
        self.signal
    }

    /// The attributes of the exporter's metrics, with the cause of a failure.
    pub(crate) fn exporter(&self, error_type: Option<&str>) -> Vec<KeyValue> {
        let mut attributes = component(&self.exporter, error_type);
        attributes.extend(self.server.iter().cloned());
        attributes
    }

    /// Records how long exports take from now on.
    pub(crate) fn record_durations(&self, histogram: Histogram<f64>) {
        // A pipeline does this once.
        let _ = self.durations.set(histogram);
    }

    /// The length of the queue and its bound; `None` for metrics, which have none.
    pub(crate) fn queue(&self) -> Option<(u64, u64)> {
        self.queue
            .as_ref()
            .map(|queue| (queue.length(), queue.capacity()))
    }

    /// How many items came to the queue, those it refused included.
    pub(crate) fn offered(&self) -> u64 {
        self.queue.as_ref().map_or(0, Fill::offered)
    }

    pub(crate) fn handed_over(&self) -> u64 {
        self.losses.count_handed_over()
    }

    /// How many items the queue refused, by `error.type`; 0 for those that it did not refuse yet.
    pub(crate) fn refused(&self) -> [(&'static str, u64); 3] {
        Reason::OF_THE_QUEUE
            .map(|(reason, error_type)| (error_type, self.losses.count_lost(reason)))
    }

    pub(crate) fn exported(&self) -> u64 {
        self.losses.count_exported()
    }

    /// How many items the exporter lost, by `error.type`.
    pub(crate) fn failures(&self) -> Vec<(Cow<'static, str>, u64)> {
        let failures = self.losses.failures();
        failures
            .iter()
            .map(|(kind, n)| (kind.clone(), *n))
            .collect()
    }

    pub(crate) fn in_flight(&self) -> u64 {
        let failures: u64 = self.losses.failures().values().sum();
        self.handed_over()
            .saturating_sub(self.exported())
            .saturating_sub(failures)
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.losses.count_all_lost()
    }

    pub(crate) fn outcomes(&self) -> MutexGuard<'_, Outcomes> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn took(
        &self,
        duration: Duration,
        error_type: Option<&str>,
        answered: Option<&Answered>,
    ) {
        if let Some(durations) = self.durations.get() {
            let mut attributes = self.exporter(error_type);
            attributes.extend(answered.and_then(|answered| answered.attribute.clone()));
            durations.record(duration.as_secs_f64(), &attributes);
        }
    }

    pub(crate) fn succeeded(&self) {
        let mut outcomes = self.outcomes();
        outcomes.last_success = Some(SystemTime::now());
        outcomes.failing_since = None;
        outcomes.consecutive_failures = 0;
    }

    pub(crate) fn failed(&self, reason: &str) {
        let now = SystemTime::now();
        let mut outcomes = self.outcomes();
        outcomes.last_failure = Some((now, reason.to_owned()));
        outcomes.failing_since.get_or_insert(now);
        outcomes.consecutive_failures += 1;
    }
}

/// `otel.component.type` and `.name` of the one component of a type, and `error.type`.
pub(crate) fn component(kind: &str, error_type: Option<&str>) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("otel.component.type", kind.to_owned()),
        KeyValue::new("otel.component.name", format!("{kind}/0")),
    ];
    attributes.extend(error_type.map(|error| KeyValue::new("error.type", error.to_owned())));
    attributes
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor")
            .field("signal", &self.signal)
            .field("outcomes", &self.outcomes())
            .finish_non_exhaustive()
    }
}
