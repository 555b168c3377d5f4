//! Instruments that record once for every output: an OpenTelemetry bound instrument, and exemplars beside it.

use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use opentelemetry::{
    KeyValue,
    metrics::{BoundHistogram as ApiBoundHistogram, Histogram as ApiHistogram, Meter},
    trace::SpanContext,
};

use telemetry_semconv::units::SECONDS;

use crate::instrument::exemplar::{ExemplarSlots, ExemplarStore};

/// The attribute of the one series that all label values past a limit share (metrics SDK specification).
pub use telemetry_semconv::attribute::OTEL_METRIC_OVERFLOW as OVERFLOW;

/// The attributes of the overflow series.
pub fn overflow() -> Vec<KeyValue> {
    vec![KeyValue::new(OVERFLOW, true)]
}

/// A histogram of seconds whose series keep exemplars.
#[derive(Clone)]
pub struct DurationHistogram {
    instrument: ApiHistogram<f64>,
    name: Cow<'static, str>,
    bounds: Arc<[f64]>,
    exemplars: Arc<ExemplarStore>,
}

impl DurationHistogram {
    /// A histogram of this meter with these bucket bounds in seconds. Adapters call
    /// [`Providers::duration_histogram`](super::Providers::duration_histogram), which knows the exemplar store.
    pub fn new(
        meter: &Meter,
        exemplars: Arc<ExemplarStore>,
        name: Cow<'static, str>,
        description: &'static str,
        bounds: &[f64],
    ) -> Self {
        let instrument = meter
            .f64_histogram(name.clone())
            .with_description(description)
            .with_unit(SECONDS)
            .with_boundaries(bounds.to_vec())
            .build();
        Self {
            instrument,
            name,
            bounds: Arc::from(bounds),
            exemplars,
        }
    }

    /// The handle of one series. Binding allocates: keep the handle.
    pub fn bind(&self, attributes: &[KeyValue]) -> BoundDuration {
        BoundDuration {
            bound: self.instrument.bind(attributes),
            exemplars: self.exemplars.slots(&self.name, attributes, &self.bounds),
        }
    }
}

impl fmt::Debug for DurationHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DurationHistogram")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// One series of a [`DurationHistogram`].
#[derive(Clone, Debug)]
pub struct BoundDuration {
    bound: ApiBoundHistogram<f64>,
    exemplars: Arc<ExemplarSlots>,
}

impl BoundDuration {
    /// Records seconds spent in `span`; a sampled span becomes the exemplar of its bucket.
    #[inline]
    pub fn record(&self, seconds: f64, span: &SpanContext) {
        self.bound.record(seconds);
        self.exemplars.offer(seconds, span);
    }
}

/// A number of things in progress that cannot leak: it falls when the guard is dropped.
///
/// The meter reads it when it collects, so entering and leaving cost one atomic addition each.
#[derive(Clone, Debug, Default)]
pub struct ActiveCount(Arc<AtomicI64>);

impl ActiveCount {
    /// Counts one more until the guard is dropped.
    pub fn enter(&self) -> ActiveGuard {
        self.0.fetch_add(1, Ordering::Relaxed);
        ActiveGuard(self.clone())
    }

    /// How many are in progress.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Lowers its [`ActiveCount`] when dropped.
#[derive(Debug)]
#[must_use = "the count falls as soon as this is dropped"]
pub struct ActiveGuard(ActiveCount);

impl Drop for ActiveGuard {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
