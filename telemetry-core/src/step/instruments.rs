//! What all steps of a pipeline record with.

use std::sync::Arc;

use opentelemetry::{
    InstrumentationScope, Key, KeyValue,
    metrics::{BoundCounter, Counter},
};

use super::running::Outcome;
use crate::{
    metrics::{BoundDuration, DurationHistogram, overflow},
    providers::Providers,
    series::{Series, SeriesCache},
    tracer::Tracer,
};

/// Buckets for steps, which range from a cache hit to a call to a payment gateway.
const BOUNDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// Flows times stages times outcomes of a service; what goes beyond shares the overflow series.
const MAX_SERIES: usize = 500;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct SeriesKey {
    pub(super) flow: Option<&'static str>,
    pub(super) stage: Option<&'static str>,
    pub(super) outcome: Outcome,
    pub(super) error_type: Option<&'static str>,
}

pub(super) struct Recorders {
    pub(super) count: BoundCounter<u64>,
    pub(super) duration: BoundDuration,
}

/// The instruments of all steps of a pipeline.
pub(crate) struct StepInstruments {
    pub(super) tracer: Tracer,
    count: Counter<u64>,
    duration: DurationHistogram,
    series: SeriesCache<SeriesKey, Arc<Recorders>>,
    pub(super) keys: Keys,
}

pub(super) struct Keys {
    pub(super) flow: Key,
    pub(super) stage: Key,
    pub(super) outcome: Key,
    pub(super) reason: Key,
}

impl StepInstruments {
    pub(crate) fn new(providers: &Providers) -> Self {
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
            count: meter
                .u64_counter(steps)
                .with_description("Business steps run.")
                .with_unit("{step}")
                .build(),
            duration: providers.duration_histogram(
                &meter,
                duration,
                "Duration of business steps.",
                &BOUNDS,
            ),
            series: SeriesCache::new(MAX_SERIES),
            keys: Keys {
                flow: key("flow"),
                stage: key("stage"),
                outcome: key("outcome"),
                reason: key("reason"),
            },
        }
    }

    pub(super) fn series(&self, key: &SeriesKey) -> Arc<Recorders> {
        self.series.get(key, |series| self.bind(series))
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
            duration: self.duration.bind(&attributes),
        })
    }
}
