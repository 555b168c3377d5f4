//! The instruments of a pool.

use std::sync::Arc;

use opentelemetry::{InstrumentationScope, KeyValue, trace::SpanContext};
use telemetry_core::{
    Providers,
    metrics::{BoundDuration, DurationHistogram, overflow},
    semconv_db::{OPERATION_DURATION, OPERATION_DURATION_BOUNDS, attribute},
    series::{Series, SeriesCache},
    tracer::Tracer,
};

use crate::{failure::Failure, statement::Statement};

/// Summaries times failures; what goes beyond shares the overflow series.
pub(crate) const MAX_SERIES: usize = 1_000;

/// A tracer, and the duration histogram with its series.
#[derive(Debug)]
pub(crate) struct Instruments {
    pub(crate) tracer: Tracer,
    duration: DurationHistogram,
    series: SeriesCache<Labels, BoundDuration>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Labels {
    /// Two pools of a process share the instruments and not the database.
    common: Arc<[KeyValue]>,
    summary: Option<Arc<str>>,
    failure: Option<Failure>,
}

impl Instruments {
    pub(crate) fn new(providers: &Providers) -> Self {
        let scope = InstrumentationScope::builder("telemetry-sqlx")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let meter = providers.meter(scope.clone());
        Self {
            tracer: providers.tracer(scope),
            duration: providers.duration_histogram(
                &meter,
                OPERATION_DURATION,
                "Duration of database client operations.",
                &OPERATION_DURATION_BOUNDS,
            ),
            series: SeriesCache::new(MAX_SERIES),
        }
    }

    /// Records the duration of one call. `common` are the attributes of the pool.
    pub(crate) fn record(
        &self,
        common: &Arc<[KeyValue]>,
        statement: &Statement,
        failure: Option<&Failure>,
        seconds: f64,
        span: &SpanContext,
    ) {
        match failure {
            None => statement
                .success
                .get_or_init(|| self.bind(common, statement, None))
                .record(seconds, span),
            Some(_) => self.bind(common, statement, failure).record(seconds, span),
        }
    }

    fn bind(
        &self,
        common: &Arc<[KeyValue]>,
        statement: &Statement,
        failure: Option<&Failure>,
    ) -> BoundDuration {
        let labels = Labels {
            common: common.clone(),
            summary: statement.summary.clone(),
            failure: failure.cloned(),
        };
        self.series.get(&labels, |series| match series {
            Series::Overflow => self.duration.bind(&overflow()),
            Series::Of(labels) => {
                let mut attributes = labels.common.to_vec();
                let summary = labels.summary.clone();
                attributes.extend(
                    summary.map(|summary| KeyValue::new(attribute::DB_QUERY_SUMMARY, summary)),
                );
                attributes.extend(labels.failure.iter().flat_map(Failure::attributes));
                self.duration.bind(&attributes)
            }
        })
    }
}
