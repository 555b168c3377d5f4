//! The metrics of single calls: duration and returned rows.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use opentelemetry::{
    KeyValue,
    metrics::{BoundHistogram, Histogram, Meter},
    trace::SpanContext,
};
use telemetry_api::instrument::{
    Providers,
    duration::{BoundDuration, DurationHistogram, overflow},
    series::{Series, SeriesCache},
};
use telemetry_semconv::db::{
    OPERATION_DURATION, OPERATION_DURATION_BOUNDS, RESPONSE_RETURNED_ROWS, RETURNED_ROWS_BOUNDS,
    attribute,
};

use crate::error_type::SqlErrorType;

/// The limit of label sets, which are summaries times error types. Further ones share the overflow series.
pub(crate) const MAX_SERIES: usize = 1_000;

/// The labels of a call.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct OperationLabels {
    /// The facts about the database. Two pools with the same providers share the instruments and have other databases.
    pub(crate) common: Arc<[KeyValue]>,
    pub(crate) summary: Option<Arc<str>>,
    pub(crate) error: Option<SqlErrorType>,
}

impl OperationLabels {
    fn attributes(&self) -> Vec<KeyValue> {
        let summary = self.summary.clone();
        let mut attributes = self.common.to_vec();
        attributes
            .extend(summary.map(|summary| KeyValue::new(attribute::DB_QUERY_SUMMARY, summary)));
        attributes.extend(self.error.iter().flat_map(SqlErrorType::attributes));
        attributes
    }
}

fn attributes_of(series: Series<'_, OperationLabels>) -> Vec<KeyValue> {
    match series {
        Series::Of(labels) => labels.attributes(),
        Series::Overflow => overflow(),
    }
}

/// The histograms of calls.
pub(crate) struct Operations {
    duration: DurationHistogram,
    returned_rows: Histogram<u64>,
    series: SeriesCache<OperationLabels, OperationSeries>,
}

/// The handles of one label set.
#[derive(Clone)]
pub(crate) struct OperationSeries {
    duration: BoundDuration,
    returned_rows: Arc<ReturnedRows>,
}

/// The series of returned rows, bound at the first measurement: most pools do not record it.
struct ReturnedRows {
    histogram: Histogram<u64>,
    attributes: Vec<KeyValue>,
    series: OnceLock<BoundHistogram<u64>>,
}

impl Operations {
    pub(crate) fn new(providers: &Providers, meter: &Meter) -> Self {
        Self {
            duration: providers.duration_histogram(
                meter,
                OPERATION_DURATION,
                "Duration of database client operations.",
                &OPERATION_DURATION_BOUNDS,
            ),
            returned_rows: meter
                .u64_histogram(RESPONSE_RETURNED_ROWS)
                .with_unit("{row}")
                .with_description(
                    "The actual number of records returned by the database operation.",
                )
                .with_boundaries(RETURNED_ROWS_BOUNDS.to_vec())
                .build(),
            series: SeriesCache::new(MAX_SERIES),
        }
    }

    /// Returns the series of these labels, and binds it the first time.
    #[cold]
    pub(crate) fn series(&self, labels: &OperationLabels) -> OperationSeries {
        self.series.get(labels, |series| {
            let attributes = attributes_of(series);
            OperationSeries {
                duration: self.duration.bind(&attributes),
                returned_rows: Arc::new(ReturnedRows {
                    histogram: self.returned_rows.clone(),
                    attributes,
                    series: OnceLock::new(),
                }),
            }
        })
    }
}

impl OperationSeries {
    /// Records the duration of a call in seconds, and the number of returned rows if there is one.
    pub(crate) fn record(&self, seconds: f64, returned_rows: Option<u64>, span: &SpanContext) {
        self.duration.record(seconds, span);
        if let Some(rows) = returned_rows {
            let returned = &*self.returned_rows;
            let bind = || returned.histogram.bind(&returned.attributes);
            returned.series.get_or_init(bind).record(rows);
        }
    }
}

impl fmt::Debug for OperationSeries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationSeries").finish_non_exhaustive()
    }
}
