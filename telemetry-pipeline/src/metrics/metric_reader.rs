//! The reader that push and pull share.

use std::{
    sync::{Arc, OnceLock, Weak},
    time::{Duration, Instant},
};

use opentelemetry::metrics::Histogram;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{
        InstrumentKind, ManualReader, Pipeline, Temporality, data::ResourceMetrics,
        reader::MetricReader,
    },
};

use crate::otlp::{Overflows, component};

/// One cumulative reader for push and pull, so that a measurement is aggregated once. Only a push that is not
/// cumulative has a reader of its own.
#[derive(Clone, Debug)]
pub(crate) struct SharedReader {
    reader: Arc<ManualReader>,
    watch: Option<Arc<Overflows>>,
    durations: Arc<OnceLock<Histogram<f64>>>,
}

impl SharedReader {
    pub(crate) fn new() -> Self {
        Self::with_temporality(Temporality::Cumulative)
    }

    pub(crate) fn with_temporality(temporality: Temporality) -> Self {
        let reader = ManualReader::builder().with_temporality(temporality);
        Self {
            reader: Arc::new(reader.build()),
            watch: None,
            durations: Arc::default(),
        }
    }

    /// Looks in all that is read for instruments with too many series.
    pub(crate) fn watched_by(mut self, overflows: &Arc<Overflows>) -> Self {
        self.watch = Some(overflows.clone());
        self
    }

    /// Records from now on how long reading takes.
    pub(crate) fn record_durations(&self, histogram: Histogram<f64>) {
        // There is one pipeline, which does this once.
        let _ = self.durations.set(histogram);
    }

    /// All metrics, read for a component of this type.
    pub(crate) fn read(&self, component_type: &str) -> Option<ResourceMetrics> {
        let mut metrics = ResourceMetrics::default();
        let started = Instant::now();
        let collected = self.reader.collect(&mut metrics);
        if let Some(durations) = self.durations.get() {
            let error_type = collected.is_err().then_some("_OTHER");
            let duration = started.elapsed().as_secs_f64();
            durations.record(duration, &component(component_type, error_type));
        }
        collected.ok()?;
        if let Some(overflows) = &self.watch {
            overflows.look(&metrics, self.is_cumulative());
        }
        Some(metrics)
    }

    pub(crate) fn is_cumulative(&self) -> bool {
        self.reader.temporality(InstrumentKind::Counter) == Temporality::Cumulative
    }
}

impl MetricReader for SharedReader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.reader.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.reader.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.reader.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.reader.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.reader.temporality(kind)
    }
}
