//! The reader that push and pull share.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
    time::{Duration, Instant, SystemTime},
};

use opentelemetry::metrics::Histogram;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{
        InstrumentKind, ManualReader, Pipeline, Temporality, data::ResourceMetrics,
        reader::MetricReader,
    },
};

use crate::{metrics::overflow::Overflows, otlp::component};

/// One cumulative reader for push and pull, so that a measurement is aggregated once. Only a push that is not
/// cumulative has a reader of its own.
#[derive(Clone, Debug)]
pub(crate) struct SharedReader {
    reader: Arc<ManualReader>,
    watch: Option<Arc<Overflows>>,
    durations: Arc<OnceLock<Histogram<f64>>>,
    failing: Arc<Mutex<Option<ReadFailure>>>,
}

/// Since when the metrics cannot be read, and why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReadFailure {
    pub(crate) since: SystemTime,
    pub(crate) reason: String,
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
            failing: Arc::default(),
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
    ///
    /// # Errors
    ///
    /// When the SDK fails, or panics as it does in a debug build with numbers that overflow. A panic may leave its locks
    /// poisoned, so the next reading may fail, too. [`failure`](Self::failure) tells of it.
    pub(crate) fn read(&self, component_type: &str) -> Result<ResourceMetrics, String> {
        let mut metrics = ResourceMetrics::default();
        let started = Instant::now();
        let collected = catch_unwind(AssertUnwindSafe(|| self.reader.collect(&mut metrics)));
        let result = match collected {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("the metrics SDK panicked".to_owned()),
        };
        if let Some(durations) = self.durations.get() {
            let error_type = result.is_err().then_some("_OTHER");
            let duration = started.elapsed().as_secs_f64();
            durations.record(duration, &component(component_type, error_type));
        }
        self.note(&result);
        result?;
        if let Some(overflows) = &self.watch {
            overflows.look(&metrics, self.is_cumulative());
        }
        Ok(metrics)
    }

    /// Why the metrics could not be read the last time; `None` if they could.
    pub(crate) fn failure(&self) -> Option<ReadFailure> {
        let failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        failing.clone()
    }

    fn note(&self, result: &Result<(), String>) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let since = failing.as_ref().map(|failure| failure.since);
        *failing = result.as_ref().err().map(|reason| ReadFailure {
            since: since.unwrap_or_else(SystemTime::now),
            reason: reason.clone(),
        });
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

#[cfg(test)]
mod tests {
    use opentelemetry::{KeyValue, metrics::MeterProvider as _};
    use opentelemetry_sdk::metrics::SdkMeterProvider;

    use super::*;

    #[test]
    fn a_reading_that_fails_says_so_until_one_succeeds() {
        let reader = SharedReader::new();
        let reason = reader.read("test").unwrap_err();
        let failure = reader.failure().unwrap();
        assert_eq!(failure.reason, reason);
        assert!(reader.read("test").is_err());
        assert_eq!(
            reader.failure(),
            Some(failure),
            "it fails since the first time"
        );
        let _provider = SdkMeterProvider::builder()
            .with_reader(reader.clone())
            .build();
        reader.read("test").unwrap();
        assert_eq!(reader.failure(), None);
    }

    /// The SDK subtracts what an observable counter reported before, which overflows where it falls.
    #[test]
    #[cfg(debug_assertions)]
    fn a_panic_of_the_sdk_is_a_failure_of_the_reading() {
        use std::sync::atomic::{AtomicU64, Ordering};

        let reader = SharedReader::with_temporality(Temporality::Delta);
        let provider = SdkMeterProvider::builder()
            .with_reader(reader.clone())
            .build();
        let value = Arc::new(AtomicU64::new(3));
        let observed = value.clone();
        let meter = provider.meter("pool");
        let _counter = meter
            .u64_observable_counter("timeouts")
            .with_callback(move |observer| {
                let value = observed.load(Ordering::Relaxed);
                observer.observe(value, &[KeyValue::new("pool", "a")]);
            })
            .build();
        reader.read("test").unwrap();
        value.store(2, Ordering::Relaxed);
        assert!(reader.read("test").unwrap_err().contains("panicked"));
        assert!(reader.failure().is_some());
    }
}
