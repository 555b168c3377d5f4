//! Exemplars: for each bucket of a histogram series the last sampled span that fell into it, and for each series of a
//! business counter the last sampled span that counted.
//!
//! The OpenTelemetry SDK for Rust collects none (opentelemetry-rust issue 3369), so they are kept beside its
//! instruments and joined again, by instrument and attributes, when metrics are exported or scraped.

mod streams;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use opentelemetry::{
    KeyValue,
    trace::{SpanContext, SpanId, TraceId},
};

pub use streams::{KeptKeys, StreamExemplars};

/// One measurement and the span it was made in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exemplar {
    /// The measured value, in the unit of its instrument.
    pub value: f64,
    /// When it was measured.
    pub time: SystemTime,
    /// The trace it was measured in; invalid if there was none.
    pub trace_id: TraceId,
    /// The span it was measured in; invalid if there was none.
    pub span_id: SpanId,
}

/// The measurements that may become exemplars (OTEL_METRICS_EXEMPLAR_FILTER).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExemplarFilter {
    /// Those made in a sampled span: only they lead to a trace.
    #[default]
    TraceBased,
    /// All.
    AlwaysOn,
    /// None.
    AlwaysOff,
}

/// The exemplars of one series: one slot for each bucket of a histogram, a single one for a counter.
pub struct ExemplarSlots {
    filter: ExemplarFilter,
    bounds: Arc<[f64]>,
    slots: Mutex<Box<[Option<Exemplar>]>>,
}

impl ExemplarSlots {
    fn new(filter: ExemplarFilter, bounds: Arc<[f64]>) -> Self {
        let slots = Mutex::new(vec![None; bounds.len() + 1].into_boxed_slice());
        Self {
            filter,
            bounds,
            slots,
        }
    }

    /// Offers a measurement, which is kept if the filter lets it pass.
    ///
    /// Never waits: while another thread writes or a scrape reads, this measurement is simply not the example.
    #[inline]
    pub fn offer(&self, value: f64, span: &SpanContext) {
        let passes = match self.filter {
            ExemplarFilter::TraceBased => span.is_sampled() && span.is_valid(),
            ExemplarFilter::AlwaysOn => true,
            ExemplarFilter::AlwaysOff => false,
        };
        // The histogram counts finite numbers only.
        if passes && value.is_finite() {
            self.keep(value, span);
        }
    }

    fn keep(&self, value: f64, span: &SpanContext) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        if let Ok(mut slots) = self.slots.try_lock()
            && let Some(slot) = slots.get_mut(bucket)
        {
            let time = SystemTime::now();
            *slot = Some(Exemplar {
                value,
                time,
                trace_id: span.trace_id(),
                span_id: span.span_id(),
            });
        }
    }

    /// False if the filter lets no measurement pass: then the span need not be looked for.
    pub fn takes_any(&self) -> bool {
        self.filter != ExemplarFilter::AlwaysOff
    }

    /// The exemplars by bucket, the overflow bucket last.
    pub fn read(&self) -> Vec<Option<Exemplar>> {
        self.slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .to_vec()
    }
}

impl fmt::Debug for ExemplarSlots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExemplarSlots")
            .field("bounds", &self.bounds)
            .finish_non_exhaustive()
    }
}

/// All exemplars of a pipeline, found by instrument name and attributes.
///
/// It holds one entry for each bound series, and those are bounded where they are bound.
#[derive(Debug, Default)]
pub struct ExemplarStore {
    filter: ExemplarFilter,
    by_instrument: Mutex<HashMap<Box<str>, SeriesSlots>>,
    views: Mutex<streams::Views>,
}

/// The slots of an instrument's series, by their attributes in order of keys.
type SeriesSlots = HashMap<Vec<KeyValue>, Arc<ExemplarSlots>>;

impl ExemplarStore {
    /// An empty store that keeps the measurements that pass the filter.
    pub fn new(filter: ExemplarFilter) -> Self {
        Self {
            filter,
            ..Self::default()
        }
    }

    pub(crate) fn slots(
        &self,
        instrument: &str,
        attributes: &[KeyValue],
        bounds: &Arc<[f64]>,
    ) -> Arc<ExemplarSlots> {
        let attributes = sorted(attributes.iter().cloned());
        let mut by_instrument = self.lock();
        let series = by_instrument.entry(instrument.into()).or_default();
        series
            .entry(attributes)
            .or_insert_with(|| Arc::new(ExemplarSlots::new(self.filter, bounds.clone())))
            .clone()
    }

    /// The exemplars of one series by bucket; empty if there are none.
    pub fn find<'a>(
        &self,
        instrument: &str,
        attributes: impl Iterator<Item = &'a KeyValue>,
    ) -> Vec<Option<Exemplar>> {
        let by_instrument = self.lock();
        let slots = by_instrument
            .get(instrument)
            .and_then(|series| series.get(&sorted(attributes.cloned())));
        slots.map(|slots| slots.read()).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, SeriesSlots>> {
        self.by_instrument
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn sorted(attributes: impl Iterator<Item = KeyValue>) -> Vec<KeyValue> {
    let mut attributes: Vec<_> = attributes.collect();
    attributes.sort_by(|a, b| a.key.cmp(&b.key));
    // Of a key that is there twice the SDK keeps one.
    attributes.dedup_by(|a, b| a.key == b.key);
    attributes
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{TraceFlags, TraceState};

    use super::*;

    fn span(flags: TraceFlags) -> SpanContext {
        SpanContext::new(
            TraceId::from(1),
            SpanId::from(2),
            flags,
            false,
            TraceState::default(),
        )
    }

    #[test]
    fn the_last_sampled_measurement_of_each_bucket_is_kept() {
        let store = ExemplarStore::default();
        let bounds: Arc<[f64]> = Arc::from([0.1, 1.0]);
        let attributes = [KeyValue::new("b", 1), KeyValue::new("a", "x")];
        let slots = store.slots("duration", &attributes, &bounds);
        slots.offer(0.1, &span(TraceFlags::SAMPLED));
        slots.offer(0.05, &span(TraceFlags::SAMPLED));
        slots.offer(7.0, &span(TraceFlags::SAMPLED));
        slots.offer(0.5, &span(TraceFlags::default()));
        slots.offer(0.5, &SpanContext::NONE);
        for uncounted in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            slots.offer(uncounted, &span(TraceFlags::SAMPLED));
        }

        let found = store.find("duration", attributes.iter().rev());
        let values: Vec<_> = found
            .iter()
            .map(|slot| slot.map(|exemplar| exemplar.value))
            .collect();
        assert_eq!(values, [Some(0.05), None, Some(7.0)]);
        assert!(store.find("other", attributes.iter()).is_empty());
    }

    #[test]
    fn the_filter_decides_which_measurements_are_kept() {
        for (filter, kept) in [
            (ExemplarFilter::TraceBased, [true, false, false]),
            (ExemplarFilter::AlwaysOn, [true, true, true]),
            (ExemplarFilter::AlwaysOff, [false, false, false]),
        ] {
            let spans = [
                span(TraceFlags::SAMPLED),
                span(TraceFlags::default()),
                SpanContext::NONE,
            ];
            for (span, kept) in spans.iter().zip(kept) {
                let slots = ExemplarStore::new(filter).slots("duration", &[], &Arc::from([1.0]));
                slots.offer(0.5, span);
                assert_eq!(slots.read()[0].is_some(), kept, "{filter:?}");
            }
        }
    }
}
