//! The bounded memory behind a viewer.

mod budget;
mod decode;
mod decode_metric;
mod filter;
mod held;
mod history;
mod intake;
mod logs;
mod metrics;
mod read;
mod traces;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use self::logs::LogTable;
use self::metrics::SeriesTable;
use self::traces::TraceTable;
use crate::model::TraceId;
use crate::options::Limits;

pub(crate) use budget::{Budget, NoRoom, Reservation};
pub use filter::{LogFilter, TraceFilter};
pub(crate) use held::Held;
pub(crate) use history::Sample;
pub(crate) use metrics::Series;

/// Requests that are being received may take so much, even where the limit is tiny.
const MIN_BUDGET: usize = 1024 * 1024;

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

/// How much a store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Traces.
    pub traces: usize,
    /// Spans of all traces.
    pub spans: usize,
    /// Log records.
    pub logs: usize,
    /// Metric series.
    pub series: usize,
    /// Their memory in bytes, as estimated from their content.
    pub bytes: usize,
}

struct Inner {
    limits: Limits,
    budget: Budget,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    traces: TraceTable,
    logs: LogTable,
    series: SeriesTable,
    evicted: Evicted,
    /// Grows with each request that was added.
    version: u64,
}

impl Store {
    /// An empty store.
    pub fn new(limits: Limits) -> Self {
        Self {
            inner: Arc::new(Inner {
                limits,
                budget: Budget::new((limits.max_bytes / 2).max(MIN_BUDGET)),
                state: Mutex::default(),
            }),
        }
    }

    /// What has been let go of so far.
    pub fn evicted(&self) -> Evicted {
        self.lock().evicted
    }

    /// How much is held.
    pub fn counts(&self) -> Counts {
        let state = self.lock();
        Counts {
            traces: state.traces.len(),
            spans: state.traces.spans(),
            logs: state.logs.len(),
            series: state.series.len(),
            bytes: state.bytes(),
        }
    }

    /// Forgets everything received so far.
    pub fn clear(&self) {
        let old = {
            let mut state = self.lock();
            let version = state.version + 1;
            std::mem::replace(
                &mut *state,
                State {
                    version,
                    ..State::default()
                },
            )
        };
        // Freeing the spans takes longer than letting them go, and needs no lock.
        drop(old);
    }

    /// A number that grows whenever something is added or cleared.
    pub(crate) fn version(&self) -> u64 {
        self.lock().version
    }

    /// The memory of requests that are being received.
    pub(crate) fn budget(&self) -> &Budget {
        &self.inner.budget
    }

    /// Lets the oldest give way to what is being received.
    pub(crate) fn make_room(&self) {
        let limits = self.limits();
        self.lock().make_room(&limits, None);
    }

    /// The limits that hold now: memory promised to requests in progress is not there for what is kept.
    fn limits(&self) -> Limits {
        let limits = self.inner.limits;
        Limits {
            max_bytes: limits.max_bytes.saturating_sub(self.inner.budget.used()),
            ..limits
        }
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
        f.debug_struct("Store")
            .field("limits", &self.inner.limits)
            .field("counts", &self.counts())
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
