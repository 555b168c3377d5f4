//! The instruments of all pools with the same providers.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use opentelemetry::{
    InstrumentationScope, KeyValue,
    metrics::{BoundHistogram, Histogram},
    trace::SpanContext,
};
use telemetry_api::instrument::{
    Providers,
    duration::{BoundDuration, DurationHistogram, overflow},
    series::{Series, SeriesCache},
    tracer::Tracer,
};
use telemetry_semconv::db::{OPERATION_DURATION, OPERATION_DURATION_BOUNDS, attribute};

use crate::{failure::Failure, observer::Observer, pool_metrics::Pools, statement::Statement};

/// Summaries times failures; what goes beyond shares the overflow series.
pub(crate) const MAX_SERIES: usize = 1_000;

/// The convention's for `db.client.response.returned_rows`.
const RETURNED_ROWS_BOUNDS: [f64; 13] = [
    1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0,
];

/// A tracer, and the histograms with their series.
pub(crate) struct Instruments {
    pub(crate) tracer: Tracer,
    pub(crate) pools: Pools,
    pub(crate) wait_time: DurationHistogram,
    pub(crate) use_time: DurationHistogram,
    duration: DurationHistogram,
    returned_rows: Histogram<u64>,
    series: SeriesCache<Labels, Bound>,
}

/// The handles of one set of labels.
#[derive(Clone)]
pub(crate) struct Bound {
    duration: BoundDuration,
    /// Made when first recorded: most pools do not.
    returned_rows: Arc<OnceLock<BoundHistogram<u64>>>,
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound").finish_non_exhaustive()
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Labels {
    /// Two pools of a process share the instruments and not the database.
    common: Arc<[KeyValue]>,
    summary: Option<Arc<str>>,
    failure: Option<Failure>,
}

impl Labels {
    fn attributes(&self) -> Vec<KeyValue> {
        let mut attributes = self.common.to_vec();
        let summary = self.summary.clone();
        attributes
            .extend(summary.map(|summary| KeyValue::new(attribute::DB_QUERY_SUMMARY, summary)));
        attributes.extend(self.failure.iter().flat_map(Failure::attributes));
        attributes
    }
}

/// What all spans and metrics are from.
pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("telemetry-sqlx")
        .with_version(env!("CARGO_PKG_VERSION"))
        .build()
}

impl Instruments {
    pub(crate) fn new(providers: &Providers) -> Self {
        let meter = providers.meter(scope());
        let pools = Pools::default();
        pools.observe(&meter);
        // The convention gives no bounds to the times of connections; they are part of the times of operations.
        let histogram = |name, description| {
            providers.duration_histogram(&meter, name, description, &OPERATION_DURATION_BOUNDS)
        };
        Self {
            tracer: providers.tracer(scope()),
            pools,
            wait_time: histogram(
                "db.client.connection.wait_time",
                "The time it took to obtain an open connection from the pool.",
            ),
            use_time: histogram(
                "db.client.connection.use_time",
                "The time between borrowing a connection and returning it to the pool.",
            ),
            duration: histogram(
                OPERATION_DURATION,
                "Duration of database client operations.",
            ),
            returned_rows: meter
                .u64_histogram("db.client.response.returned_rows")
                .with_unit("{row}")
                .with_description(
                    "The actual number of records returned by the database operation.",
                )
                .with_boundaries(RETURNED_ROWS_BOUNDS.to_vec())
                .build(),
            series: SeriesCache::new(MAX_SERIES),
        }
    }

    /// Records one call: its duration, and the rows it returned if they are to be recorded.
    pub(crate) fn record(
        &self,
        observer: &Observer,
        statement: &Statement,
        failure: Option<&Failure>,
        returned: Option<i64>,
        seconds: f64,
        span: &SpanContext,
    ) {
        let failed;
        let bound = match failure {
            None => statement
                .success
                .get_or_init(|| self.bind(observer, statement, None)),
            Some(_) => {
                failed = self.bind(observer, statement, failure);
                &failed
            }
        };
        bound.duration.record(seconds, span);
        if let Some(rows) = returned.and_then(|rows| u64::try_from(rows).ok()) {
            let bind = || {
                let labels = Labels::of(observer, statement, failure);
                self.returned_rows.bind(&labels.attributes())
            };
            bound.returned_rows.get_or_init(bind).record(rows);
        }
    }

    #[cold]
    fn bind(&self, observer: &Observer, statement: &Statement, failure: Option<&Failure>) -> Bound {
        let labels = Labels::of(observer, statement, failure);
        self.series.get(&labels, |series| match series {
            Series::Overflow => Bound {
                duration: self.duration.bind(&overflow()),
                returned_rows: Arc::new(OnceLock::from(self.returned_rows.bind(&overflow()))),
            },
            Series::Of(labels) => Bound {
                duration: self.duration.bind(&labels.attributes()),
                returned_rows: Arc::default(),
            },
        })
    }
}

impl Labels {
    fn of(observer: &Observer, statement: &Statement, failure: Option<&Failure>) -> Self {
        Self {
            common: observer.common.clone(),
            summary: statement.summary.clone(),
            failure: failure.cloned(),
        }
    }
}

impl fmt::Debug for Instruments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instruments").finish_non_exhaustive()
    }
}
