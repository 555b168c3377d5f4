use std::cmp::Reverse;
use std::sync::Arc;

use super::{Held, LogFilter, Series, Store, TraceFilter, metrics};
use crate::model::{LogRecord, MetricPoint, Trace, TraceId};

/// A snapshot is taken in pieces of so many items: between them senders get their turn.
const PIECE: usize = 2048;

impl Store {
    /// What has arrived of that trace; `None` if nothing has, or if it has been evicted.
    pub fn trace(&self, trace_id: TraceId) -> Option<Trace> {
        self.held(trace_id).map(|held| held.trace().clone())
    }

    /// The traces that pass the filter, newest start first.
    pub fn traces(&self, filter: &TraceFilter) -> Vec<Trace> {
        let mut traces = self.all_held();
        traces.retain(|held| filter.accepts(held.trace()));
        traces.sort_by_key(|held| Reverse(held.summary().start_unix_nanos));
        traces.truncate(filter.limit.unwrap_or(usize::MAX));
        traces.iter().map(|held| held.trace().clone()).collect()
    }

    /// The log records that pass the filter, by time; the newest ones if there is a limit.
    pub fn logs(&self, filter: &LogFilter) -> Vec<LogRecord> {
        let mut records = self.records(0).0;
        records.retain(|record| filter.accepts(record));
        records.sort_by_key(|record| record.time_unix_nanos);
        let surplus = records
            .len()
            .saturating_sub(filter.limit.unwrap_or(usize::MAX));
        records.drain(surplus..).map(Arc::unwrap_or_clone).collect()
    }

    /// The newest point of every series, by metric name, service, instance and attributes.
    pub fn metrics(&self) -> Vec<MetricPoint> {
        let series = self.series().into_iter();
        series
            .map(|series| MetricPoint::clone(&series.point))
            .collect()
    }

    /// That trace as it is now.
    pub(crate) fn held(&self, trace_id: TraceId) -> Option<Arc<Held>> {
        self.lock().traces.get(trace_id)
    }

    /// All traces, the one that arrived last first.
    pub(crate) fn all_held(&self) -> Vec<Arc<Held>> {
        let mut all = Vec::new();
        let mut from = Some(0);
        while let Some(at) = from {
            let (piece, next) = self.lock().traces.piece(at, PIECE);
            all.extend(piece);
            from = next;
        }
        all.reverse();
        all
    }

    /// The log records from that number on, in order of arrival, and the number of the next to come.
    pub(crate) fn records(&self, from: u64) -> (Vec<Arc<LogRecord>>, u64) {
        let mut all = Vec::new();
        let mut at = from;
        loop {
            let state = self.lock();
            let (piece, next) = state.logs.piece(at, PIECE);
            let arrived = state.logs.arrived();
            drop(state);
            all.extend(piece);
            match next {
                Some(next) => at = next,
                None => return (all, arrived),
            }
        }
    }

    /// All series with their past, by metric name, service, instance and attributes.
    pub(crate) fn series(&self) -> Vec<Series> {
        let mut series = self.lock().series.snapshot();
        metrics::sort(&mut series);
        series
    }
}
