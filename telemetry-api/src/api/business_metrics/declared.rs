//! From a declaration to the series of the current pipeline.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    hash::{Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
};

use hashbrown::Equivalent;
use opentelemetry::{
    InstrumentationScope, KeyValue,
    metrics::{
        BoundCounter, BoundGauge, BoundHistogram, BoundUpDownCounter, Counter, Gauge, Histogram,
        Meter, UpDownCounter,
    },
};

use telemetry_semconv::buckets;

use super::attribute_values::{AttributeValue, Attributes};
use crate::instrument::{
    duration::overflow,
    exemplar::ExemplarSlots,
    providers::{PerProviders, Providers},
    series::{Series, SeriesCache, ToKey},
};

const MAX_SERIES: usize = 500;

/// The facts that are known before there is a pipeline.
#[derive(Clone, Copy, Debug)]
pub(super) struct Declaration {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    pub(super) description: &'static str,
    /// The declaration has none. Bounds that fit the unit take their place.
    pub(super) bounds: Option<&'static [f64]>,
    pub(super) max_series: usize,
}

/// A declaration and the instrument of the pipeline that used it first: in an application, the only one.
pub(super) struct Cached<S: Bind> {
    pub(super) declaration: Declaration,
    instrument: PerProviders<Instrument<S>>,
}

impl<S: Bind> Cached<S> {
    pub(super) const fn new(name: &'static str) -> Self {
        Self {
            declaration: Declaration {
                name,
                unit: "",
                description: "",
                bounds: None,
                max_series: MAX_SERIES,
            },
            instrument: PerProviders::new(),
        }
    }

    /// Records with the series of these attributes, if there is a pipeline.
    pub(super) fn series(&self, attributes: &impl Attributes, record: impl FnOnce(&S)) {
        let Some(providers) = Providers::current() else {
            return;
        };
        let find = |providers: &Providers| {
            let declared = providers.shared(|_| Declared::default());
            declared.get(&self.declaration, providers)
        };
        self.instrument.with(providers, find, |instrument| {
            instrument.series(attributes, record);
        });
    }
}

/// The declared instruments of a pipeline, by kind and name.
#[derive(Default)]
struct Declared(Mutex<HashMap<Key, Arc<dyn Any + Send + Sync>>>);

/// The kind, as the type of its series, and the name.
type Key = (TypeId, &'static str);

impl Declared {
    fn get<S: Bind>(&self, declaration: &Declaration, providers: &Providers) -> Arc<Instrument<S>> {
        let mut instruments = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(Instrument::<S>::new(declaration, providers));
        let shared = instruments
            .entry((TypeId::of::<S>(), declaration.name))
            .or_insert_with(|| make());
        // The type is part of the key, so the cast holds.
        shared.clone().downcast().unwrap_or_else(|_| make())
    }
}

/// An instrument of a pipeline and its series.
pub(super) struct Instrument<S: Bind> {
    bind: Binder<S>,
    series: SeriesCache<OwnedAttributes, Arc<S>>,
}

type Binder<S> = Box<dyn Fn(&[KeyValue]) -> S + Send + Sync>;

impl<S: Bind> Instrument<S> {
    fn new(declaration: &Declaration, providers: &Providers) -> Self {
        let scope = InstrumentationScope::builder("telemetry-core")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        Self {
            bind: S::binder(declaration, &providers.meter(scope), providers),
            series: SeriesCache::new(declaration.max_series),
        }
    }

    fn series(&self, attributes: &impl Attributes, record: impl FnOnce(&S)) {
        attributes.with(|attributes| {
            let series = self
                .series
                .get(&Borrowed(attributes), |series| Arc::new(self.bind(series)));
            record(&series);
        });
    }

    fn bind(&self, series: Series<'_, Borrowed<'_>>) -> S {
        let attributes = match series {
            Series::Overflow => overflow(),
            Series::Of(Borrowed(attributes)) => attributes.iter().map(to_key_value).collect(),
        };
        (self.bind)(&attributes)
    }
}

fn to_key_value((key, value): &(&'static str, AttributeValue<'_>)) -> KeyValue {
    match *value {
        AttributeValue::Str(text) => KeyValue::new(*key, text.to_owned()),
        AttributeValue::Int(number) => KeyValue::new(*key, number),
        AttributeValue::Bool(truth) => KeyValue::new(*key, truth),
    }
}

/// A kind of instrument: the recorder of one of its series.
pub(super) trait Bind: Sized + Send + Sync + 'static {
    fn binder(declaration: &Declaration, meter: &Meter, providers: &Providers) -> Binder<Self>;
}

pub(super) struct CounterSeries {
    pub(super) bound: BoundCounter<u64>,
    pub(super) exemplars: Arc<ExemplarSlots>,
}

impl Bind for CounterSeries {
    fn binder(declaration: &Declaration, meter: &Meter, providers: &Providers) -> Binder<Self> {
        let name = declaration.name;
        let counter: Counter<u64> = meter
            .u64_counter(name)
            .with_unit(declaration.unit)
            .with_description(declaration.description)
            .build();
        let exemplars = providers.exemplars().clone();
        let one_slot = Arc::<[f64]>::from([]);
        Box::new(move |attributes| Self {
            bound: counter.bind(attributes),
            exemplars: exemplars.slots(name, attributes, &one_slot),
        })
    }
}

pub(super) struct HistogramSeries {
    pub(super) bound: BoundHistogram<f64>,
    pub(super) exemplars: Arc<ExemplarSlots>,
}

impl Bind for HistogramSeries {
    fn binder(declaration: &Declaration, meter: &Meter, providers: &Providers) -> Binder<Self> {
        let name = declaration.name;
        let bounds = declaration
            .bounds
            .unwrap_or_else(|| buckets::for_unit(declaration.unit));
        let histogram: Histogram<f64> = meter
            .f64_histogram(name)
            .with_unit(declaration.unit)
            .with_description(declaration.description)
            .with_boundaries(bounds.to_vec())
            .build();
        let exemplars = providers.exemplars().clone();
        let bounds = Arc::<[f64]>::from(bounds);
        Box::new(move |attributes| Self {
            bound: histogram.bind(attributes),
            exemplars: exemplars.slots(name, attributes, &bounds),
        })
    }
}

pub(super) struct GaugeSeries(pub(super) BoundGauge<f64>);

impl Bind for GaugeSeries {
    fn binder(declaration: &Declaration, meter: &Meter, _: &Providers) -> Binder<Self> {
        let gauge: Gauge<f64> = meter
            .f64_gauge(declaration.name)
            .with_unit(declaration.unit)
            .with_description(declaration.description)
            .build();
        Box::new(move |attributes| Self(gauge.bind(attributes)))
    }
}

pub(super) struct UpDownSeries(pub(super) BoundUpDownCounter<i64>);

impl Bind for UpDownSeries {
    fn binder(declaration: &Declaration, meter: &Meter, _: &Providers) -> Binder<Self> {
        let counter: UpDownCounter<i64> = meter
            .i64_up_down_counter(declaration.name)
            .with_unit(declaration.unit)
            .with_description(declaration.description)
            .build();
        Box::new(move |attributes| Self(counter.bind(attributes)))
    }
}

/// Attributes to look up by.
struct Borrowed<'a>(&'a [(&'static str, AttributeValue<'a>)]);

/// Attributes as they are kept.
#[derive(Clone, PartialEq, Eq)]
struct OwnedAttributes(Box<[(&'static str, OwnedValue)]>);

#[derive(Clone, PartialEq, Eq)]
enum OwnedValue {
    Str(Box<str>),
    Int(i64),
    Bool(bool),
}

impl OwnedValue {
    fn borrow(&self) -> AttributeValue<'_> {
        match self {
            Self::Str(text) => AttributeValue::Str(text),
            Self::Int(number) => AttributeValue::Int(*number),
            Self::Bool(truth) => AttributeValue::Bool(*truth),
        }
    }
}

impl Hash for Borrowed<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for attribute in self.0 {
            attribute.hash(state);
        }
    }
}

impl Hash for OwnedAttributes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for (key, value) in &self.0 {
            (*key, value.borrow()).hash(state);
        }
    }
}

impl Equivalent<OwnedAttributes> for Borrowed<'_> {
    fn equivalent(&self, owned: &OwnedAttributes) -> bool {
        let owned = owned.0.iter().map(|(key, value)| (*key, value.borrow()));
        self.0.iter().copied().eq(owned)
    }
}

impl ToKey<OwnedAttributes> for Borrowed<'_> {
    fn to_key(&self) -> OwnedAttributes {
        let attributes = self.0.iter().map(|(key, value)| {
            let value = match *value {
                AttributeValue::Str(text) => OwnedValue::Str(text.into()),
                AttributeValue::Int(number) => OwnedValue::Int(number),
                AttributeValue::Bool(truth) => OwnedValue::Bool(truth),
            };
            (*key, value)
        });
        OwnedAttributes(attributes.collect())
    }
}
