//! Instruments that have reached their limit of series: seen where metrics are read, said once for each.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics};

use crate::otlp::Reporter;
use telemetry_api::instrument::duration::OVERFLOW;

/// Knows which metrics have an overflow series, whether the SDK's limit made it or the bound of an instrumentation.
pub(crate) struct Overflows {
    reporter: Arc<Reporter>,
    said: Mutex<BTreeSet<String>>,
}

impl Overflows {
    pub(crate) fn new(reporter: Arc<Reporter>) -> Self {
        Self {
            reporter,
            said: Mutex::default(),
        }
    }

    /// The names of the metrics that have lost series.
    pub(crate) fn names(&self) -> Vec<String> {
        self.said().iter().cloned().collect()
    }

    /// Warns about metrics that overflow and did not before. `whole`: all series are here, not only those that changed.
    pub(crate) fn look(&self, metrics: &ResourceMetrics, whole: bool) {
        for metric in metrics.scope_metrics().flat_map(|scope| scope.metrics()) {
            let series = match metric.data() {
                AggregatedMetrics::F64(data) => series_of(data),
                AggregatedMetrics::U64(data) => series_of(data),
                AggregatedMetrics::I64(data) => series_of(data),
            };
            let Some(series) = series else { continue };
            if self.said().insert(metric.name().to_owned()) {
                self.reporter
                    .overflowed(metric.name(), whole.then_some(series));
            }
        }
    }

    fn said(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many series there are beside that of the overflow; `None` without one.
fn series_of<T>(data: &MetricData<T>) -> Option<usize> {
    fn count<'a, A>(points: impl Iterator<Item = A>) -> Option<usize>
    where
        A: Iterator<Item = &'a KeyValue>,
    {
        let (mut series, mut overflow) = (0, false);
        for mut attributes in points {
            // The series without attributes counts for no limit; that of the overflow has this one only.
            match attributes.next() {
                Some(first) if first.key.as_str() == OVERFLOW => overflow = true,
                Some(_) => series += 1,
                None => {}
            }
        }
        overflow.then_some(series)
    }
    match data {
        MetricData::Gauge(data) => count(data.data_points().map(|point| point.attributes())),
        MetricData::Sum(data) => count(data.data_points().map(|point| point.attributes())),
        MetricData::Histogram(data) => count(data.data_points().map(|point| point.attributes())),
        MetricData::ExponentialHistogram(data) => {
            count(data.data_points().map(|point| point.attributes()))
        }
    }
}

impl fmt::Debug for Overflows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Overflows")
            .field("said", &self.names())
            .finish_non_exhaustive()
    }
}
