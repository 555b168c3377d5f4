use std::sync::Arc;

use super::classify::{Family, Key};
use super::from_metrics::{Measured, measured};
use super::from_spans::{SLOTS, Seen, seen};
use super::table::{Percentiles, RedRow};
use crate::model::TraceId;
use crate::store::{Held, Series};

/// What an operation has done, from its metrics and its spans.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) key: Key,
    /// Whether a duration histogram tells of it.
    pub(crate) from_metrics: bool,
    pub(crate) count: u64,
    pub(crate) errors: u64,
    /// Per second, while the service ran.
    pub(crate) rate: Option<f64>,
    /// Per second, in the last minute.
    pub(crate) recent_rate: f64,
    /// Seconds: the 50th, 95th and 99th percentile.
    pub(crate) percentiles: [Option<f64>; 3],
    pub(crate) source: Percentiles,
    /// Spans by time, over the time of all spans.
    pub(crate) slots: [u32; SLOTS],
    pub(crate) slowest: Option<TraceId>,
    /// The last trace in which it failed.
    pub(crate) failed: Option<TraceId>,
}

/// All operations, by family, service and name.
pub(crate) fn operations(series: &[Series], traces: &[Arc<Held>], now: u64) -> Vec<Operation> {
    let mut measured = measured(series, now);
    let mut operations: Vec<Operation> = seen(traces, now)
        .into_iter()
        .map(|(key, seen)| {
            let measured = measured.remove(&key);
            Operation::new(key, measured, &seen)
        })
        .collect();
    let unseen = Seen::default();
    let rest = measured.into_iter();
    operations.extend(rest.map(|(key, measured)| Operation::new(key, Some(measured), &unseen)));
    operations.sort_by(|a, b| a.key.cmp(&b.key));
    operations
}

impl Operation {
    fn new(key: Key, measured: Option<Measured>, seen: &Seen) -> Self {
        let spans = seen.durations.len() as u64;
        let from_metrics = measured.is_some();
        let measured = measured.unwrap_or_default();
        // Metrics are exported later than spans: there may be more spans than measurements.
        let complete = spans > 0 && spans >= measured.count;
        let (percentiles, source) = if complete {
            (
                [0.5, 0.95, 0.99].map(|it| seen.percentile(it)),
                Percentiles::Spans,
            )
        } else {
            let quantile = |share| measured.distribution.quantile(share);
            ([0.5, 0.95, 0.99].map(quantile), Percentiles::Buckets)
        };
        let rate = if from_metrics {
            measured.runs.rate(measured.count)
        } else {
            let seconds = seen.last.saturating_sub(seen.first) as f64 / 1e9;
            (spans > 1 && seconds > 0.0).then(|| spans as f64 / seconds)
        };
        Self {
            key,
            from_metrics,
            count: measured.count.max(spans),
            errors: measured.errors.max(seen.errors),
            rate,
            recent_rate: measured.recent_rate.max(seen.recent as f64 / 60.0),
            percentiles,
            source,
            slots: seen.slots,
            slowest: seen.slowest.map(|(_, id)| id),
            failed: seen.failed.map(|(_, id)| id),
        }
    }

    pub(super) fn into_row(self) -> RedRow {
        debug_assert_eq!(self.key.family, Family::HttpServer);
        let [p50, p95, p99] = self.percentiles;
        RedRow {
            service: self.key.service,
            method: self.key.action,
            route: self.key.target,
            requests: self.count,
            errors: self.errors,
            rate: self.rate,
            recent_rate: self.recent_rate,
            p50,
            p95,
            p99,
            percentiles: self.source,
        }
    }
}
