//! What all steps of a pipeline record with.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use opentelemetry::{
    InstrumentationScope, Key, KeyValue,
    metrics::{BoundCounter, Counter},
};

use super::outcome::Outcome;
use crate::instrument::{
    duration::{BoundDuration, DurationHistogram, overflow},
    exemplar::{ExemplarSlots, ExemplarStore},
    providers::{PerProviders, Providers},
    sensitive::Sensitive,
    series::{Series, SeriesCache},
    tracer::Tracer,
};

/// Buckets for steps, which range from a cache hit to a call to a payment gateway.
const BOUNDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// Flows times stages times outcomes of a service; what goes beyond shares the overflow series.
const MAX_SERIES: usize = 500;

/// How many series are found without reading their names. A power of two.
const SLOTS: usize = 256;

/// In how many slots a series may be, from the one its addresses give.
const PROBES: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SeriesKey {
    pub(super) flow: Option<&'static str>,
    pub(super) stage: Option<&'static str>,
    pub(super) outcome: Outcome,
    pub(super) error_type: Option<&'static str>,
}

impl SeriesKey {
    /// Names are constants: the same address and length is the same name, though one name may have several.
    fn address(&self) -> Address {
        let of = |name: Option<&'static str>| {
            name.map_or((0, 0), |name| (name.as_ptr().addr(), name.len()))
        };
        Address {
            names: [of(self.flow), of(self.stage), of(self.error_type)],
            outcome: self.outcome,
        }
    }
}

/// Where the names of a series are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Address {
    names: [(usize, usize); 3],
    outcome: Outcome,
}

impl Address {
    fn slot(&self) -> usize {
        // An odd number mixes all lower bits into the upper ones, which a shift brings down.
        const MIX: usize = 0x9e37_79b9_7f4a_7c15_u64 as usize;
        let [(flow, _), (stage, _), (error, _)] = self.names;
        let mixed = [stage, error, self.outcome as usize]
            .into_iter()
            .fold(flow, |mixed, part| mixed.wrapping_mul(MIX) ^ part);
        mixed.wrapping_mul(MIX) >> (usize::BITS - SLOTS.trailing_zeros())
    }
}

/// The first series of a pipeline by their addresses, each written once, so that reading needs neither a lock nor a count.
struct Slots(Box<[OnceLock<Slot>]>);

type Slot = (Address, Arc<Recorders>);

impl Slots {
    fn new() -> Self {
        Self((0..SLOTS).map(|_| OnceLock::new()).collect())
    }

    /// What `find` finds if the address has no slot yet; it is not kept if others have taken its slots.
    fn get<T>(
        &self,
        address: &Address,
        find: impl FnOnce() -> Arc<Recorders>,
        record: impl FnOnce(&Recorders) -> T,
    ) -> T {
        let first = address.slot();
        for probe in 0..PROBES {
            let Some(slot) = self.0.get((first + probe) % SLOTS) else {
                break;
            };
            match slot.get() {
                Some((known, recorders)) if known == address => return record(recorders),
                Some(_) => {}
                None => {
                    let recorders = find();
                    // If another thread was faster the slot is its own.
                    let _ = slot.set((*address, recorders.clone()));
                    return record(&recorders);
                }
            }
        }
        record(&find())
    }
}

pub(super) struct Recorders {
    pub(super) count: BoundCounter<u64>,
    /// The exemplar of the count.
    pub(super) counted: Arc<ExemplarSlots>,
    pub(super) duration: BoundDuration,
}

/// The instruments of all steps of a pipeline.
pub(super) struct StepInstruments {
    pub(super) tracer: Tracer,
    pub(super) sensitive: Sensitive,
    count: Counter<u64>,
    count_name: String,
    exemplars: Arc<ExemplarStore>,
    duration: DurationHistogram,
    slots: Slots,
    series: SeriesCache<SeriesKey, Arc<Recorders>>,
    pub(super) keys: Keys,
}

pub(super) struct Keys {
    pub(super) flow: Key,
    pub(super) stage: Key,
    pub(super) outcome: Key,
    pub(super) reason: Key,
}

impl fmt::Debug for StepInstruments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepInstruments").finish_non_exhaustive()
    }
}

impl StepInstruments {
    /// The instruments of these providers.
    pub(super) fn of(providers: Providers) -> Arc<Self> {
        static STEPS: PerProviders<StepInstruments> = PerProviders::new();
        STEPS.get(providers, |providers| providers.shared(Self::new))
    }

    fn new(providers: &Providers) -> Self {
        let scope = InstrumentationScope::builder("telemetry-core")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let meter = providers.meter(scope.clone());
        let (prefix, steps, duration) = match providers.namespace() {
            "" => ("step", "steps".to_owned(), "step.duration".to_owned()),
            namespace => (
                namespace,
                format!("{namespace}.steps"),
                format!("{namespace}.step.duration"),
            ),
        };
        let key = |name: &str| Key::from(Arc::<str>::from(format!("{prefix}.{name}")));
        Self {
            tracer: providers.tracer(scope),
            sensitive: providers.sensitive(),
            count: meter
                .u64_counter(steps.clone())
                .with_description("Business steps run.")
                .with_unit("{step}")
                .build(),
            count_name: steps,
            exemplars: providers.exemplars().clone(),
            duration: providers.duration_histogram(
                &meter,
                duration,
                "Duration of business steps.",
                &BOUNDS,
            ),
            slots: Slots::new(),
            series: SeriesCache::new(MAX_SERIES),
            keys: Keys {
                flow: key("flow"),
                stage: key("stage"),
                outcome: key("outcome"),
                reason: key("reason"),
            },
        }
    }

    /// Records with the instruments of a series.
    pub(super) fn record(&self, key: &SeriesKey, record: impl FnOnce(&Recorders)) {
        let find = || self.series.get(key, |series| self.bind(series));
        self.slots.get(&key.address(), find, record);
    }

    fn bind(&self, series: Series<'_, SeriesKey>) -> Arc<Recorders> {
        let attributes = match series {
            Series::Overflow => overflow(),
            Series::Of(key) => {
                let mut attributes = vec![KeyValue::new(
                    self.keys.outcome.clone(),
                    key.outcome.as_str(),
                )];
                attributes.extend(
                    key.flow
                        .map(|flow| KeyValue::new(self.keys.flow.clone(), flow)),
                );
                attributes.extend(
                    key.stage
                        .map(|stage| KeyValue::new(self.keys.stage.clone(), stage)),
                );
                attributes.extend(key.error_type.map(|kind| KeyValue::new("error.type", kind)));
                attributes
            }
        };
        Arc::new(Recorders {
            count: self.count.bind(&attributes),
            counted: self
                .exemplars
                .slots(&self.count_name, &attributes, &Arc::from([])),
            duration: self.duration.bind(&attributes),
        })
    }
}
