//! The bounded memory behind a viewer.

mod decode;
mod decode_metric;
mod filter;
mod logs;
mod metrics;
mod traces;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use serde::Serialize;

use self::decode::Decoded;
use self::logs::LogTable;
use self::metrics::SeriesTable;
use self::traces::TraceTable;
use crate::model::{LogRecord, MetricPoint, Trace, TraceId};
use crate::options::Limits;
use crate::red::{self, RedRow};

pub use filter::{LogFilter, TraceFilter};

/// Traces, logs and metrics in memory, never more than its [`Limits`] allow.
///
/// A clone is another handle to the same data. Reads return snapshots that later writes leave
/// alone. What was added is visible to every read that starts after `add_*` returned.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

/// What a store has let go of since it was made, to stay within its [`Limits`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Evicted {
    /// Whole traces that gave way to newer data.
    pub traces: u64,
    /// Spans of those traces.
    pub spans: u64,
    /// Log records that gave way to newer data.
    pub logs: u64,
    /// Metric series that gave way to newer data.
    pub series: u64,
    /// Spans, log records and metric points not taken at all: malformed, or too large by themselves.
    pub refused: u64,
}

struct Inner {
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    traces: TraceTable,
    logs: LogTable,
    series: SeriesTable,
    evicted: Evicted,
}

impl Store {
    /// An empty store.
    pub fn new(limits: Limits) -> Self {
        Self {
            inner: Arc::new(Inner {
                limits,
                state: Mutex::default(),
            }),
        }
    }

    /// Adds the spans of a request and returns how many were refused: those without a valid trace
    /// or span id, and those beyond what one trace may take. A span whose id is already known in
    /// its trace replaces the earlier one, so that a repeated export changes nothing.
    pub fn add_traces(&self, request: ExportTraceServiceRequest) -> u64 {
        let Decoded { items, malformed } = decode::spans(request);
        let mut refused = malformed;
        let mut state = self.lock();
        for span in items {
            let trace_id = span.trace_id;
            if state.traces.insert(span, &self.inner.limits) {
                state.make_room(&self.inner.limits, Some(trace_id));
            } else {
                refused += 1;
            }
        }
        state.evicted.refused += refused;
        refused
    }

    /// Adds the log records of a request and returns how many were refused: those that alone
    /// exceed half of the byte limit.
    pub fn add_logs(&self, request: ExportLogsServiceRequest) -> u64 {
        let mut refused = 0;
        let records = decode::logs(request);
        let mut state = self.lock();
        for record in records {
            if state.logs.insert(record, &self.inner.limits) {
                state.make_room(&self.inner.limits, None);
            } else {
                refused += 1;
            }
        }
        state.evicted.refused += refused;
        refused
    }

    /// Adds the metric points of a request and returns how many were refused: malformed histograms,
    /// and points that alone exceed half of the byte limit.
    pub fn add_metrics(&self, request: ExportMetricsServiceRequest) -> u64 {
        let Decoded { items, malformed } = decode_metric::points(request);
        let mut refused = malformed;
        let mut state = self.lock();
        for point in items {
            if state.series.insert(point, &self.inner.limits) {
                state.make_room(&self.inner.limits, None);
            } else {
                refused += 1;
            }
        }
        state.evicted.refused += refused;
        refused
    }

    /// What has arrived of that trace; `None` if nothing has, or if it has been evicted.
    pub fn trace(&self, trace_id: TraceId) -> Option<Trace> {
        self.lock().traces.get(trace_id)
    }

    /// The traces that pass the filter, newest start first.
    pub fn traces(&self, filter: &TraceFilter) -> Vec<Trace> {
        // Filtering happens on a snapshot, so that a slow query does not hold up an export.
        let mut traces = self.lock().traces.snapshot();
        traces.retain(|trace| filter.accepts(trace));
        traces.sort_by_key(|trace| Reverse(trace.start_unix_nanos()));
        traces.truncate(filter.limit.unwrap_or(usize::MAX));
        traces
    }

    /// The log records that pass the filter, by time; the newest ones if there is a limit.
    pub fn logs(&self, filter: &LogFilter) -> Vec<LogRecord> {
        let mut records = self.lock().logs.snapshot();
        records.retain(|record| filter.accepts(record));
        records.sort_by_key(|record| record.time_unix_nanos);
        let surplus = records
            .len()
            .saturating_sub(filter.limit.unwrap_or(usize::MAX));
        records.drain(surplus..).map(Arc::unwrap_or_clone).collect()
    }

    /// The newest point of every series, by metric name, service, instance and attributes.
    pub fn metrics(&self) -> Vec<MetricPoint> {
        self.lock().series.snapshot()
    }

    /// Rate, errors and duration of every route, computed from the `http.server.request.duration`
    /// histograms; by service, route and method.
    pub fn red(&self) -> Vec<RedRow> {
        red::rows(&self.metrics())
    }

    /// What has been let go of so far.
    pub fn evicted(&self) -> Evicted {
        self.lock().evicted
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held leaves at worst a count that is off; going on is better
        // than refusing all further telemetry.
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Store {
    /// An empty store with the default limits.
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Store")
            .field("limits", &self.inner.limits)
            .field("spans", &state.traces.spans())
            .field("logs", &state.logs.len())
            .field("series", &state.series.len())
            .field("bytes", &state.bytes())
            .finish_non_exhaustive()
    }
}

impl State {
    /// Lets the oldest go until every limit holds, sparing the trace that is just being received:
    /// evicting it would leave a trace that looks complete and is not.
    fn make_room(&mut self, limits: &Limits, spared: Option<TraceId>) {
        while self.traces.spans() > limits.max_spans && self.evict_trace(spared) {}
        while self.logs.len() > limits.max_logs && self.evict_log() {}
        while self.series.len() > limits.max_series && self.evict_series() {}
        while self.bytes() > limits.max_bytes {
            let (traces, logs, series) =
                (self.traces.bytes(), self.logs.bytes(), self.series.bytes());
            let gone = (traces >= logs.max(series) && self.evict_trace(spared))
                || (logs >= series && self.evict_log())
                || self.evict_series()
                || self.evict_log()
                || self.evict_trace(None);
            if !gone {
                break;
            }
        }
    }

    fn bytes(&self) -> usize {
        self.traces.bytes() + self.logs.bytes() + self.series.bytes()
    }

    fn evict_trace(&mut self, spared: Option<TraceId>) -> bool {
        let Some(spans) = self.traces.evict_oldest(spared) else {
            return false;
        };
        self.evicted.traces += 1;
        self.evicted.spans += spans as u64;
        true
    }

    fn evict_log(&mut self) -> bool {
        let gone = self.logs.evict_oldest();
        self.evicted.logs += u64::from(gone);
        gone
    }

    fn evict_series(&mut self) -> bool {
        let gone = self.series.evict_oldest();
        self.evicted.series += u64::from(gone);
        gone
    }
}
