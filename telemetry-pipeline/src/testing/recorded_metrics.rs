//! Metric queries by instrument and attributes.

use std::fmt;

use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, HistogramDataPoint, MetricData, ResourceMetrics,
};

use crate::testing::{span_tree, test_telemetry::TestTelemetry};

/// The component that reads metrics for assertions.
const READER: &str = "test_metric_reader";

impl TestTelemetry {
    /// The series of an instrument, by its OpenTelemetry name, such as `http.server.request.duration`.
    ///
    /// ```
    /// # use telemetry_pipeline::testing::TestTelemetry;
    /// # use telemetry_api::opentelemetry::{InstrumentationScope, KeyValue};
    /// # let telemetry = TestTelemetry::new();
    /// let meter = telemetry.providers().meter(InstrumentationScope::builder("shop").build());
    /// meter.u64_counter("shop.orders").build().add(2, &[KeyValue::new("shop.channel", "web")]);
    ///
    /// assert_eq!(telemetry.instrument("shop.orders").with("shop.channel", "web").value(), 2.0);
    /// ```
    pub fn instrument(&self, name: &str) -> InstrumentQuery {
        let all = read(self.reader.read(READER).ok().as_ref());
        let left = all.iter().filter(|series| series.instrument == name);
        InstrumentQuery {
            left: left.cloned().collect(),
            all,
            said: name.to_owned(),
        }
    }

    /// Asserts that no instrument has more than `most` series: what a label of unbounded values breaks first.
    #[track_caller]
    pub fn assert_cardinality(&self, most: usize) {
        let all = self.series();
        for instrument in all.chunk_by(|a, b| a.instrument == b.instrument) {
            assert!(
                instrument.len() <= most,
                "{} has {} series, more than {most}:\n{}",
                instrument[0].instrument,
                instrument.len(),
                list(instrument)
            );
        }
    }

    /// Asserts that no series of any instrument has an attribute of this key, such as `url.path`.
    #[track_caller]
    pub fn assert_no_metric_attribute(&self, key: &str) {
        let all = self.series();
        let having: Vec<_> = all.into_iter().filter(|series| series.has(key)).collect();
        assert!(
            having.is_empty(),
            "the attribute {key} is on metrics:\n{}",
            list(&having)
        );
    }

    /// Every series of every instrument, those of an instrument together.
    pub(crate) fn series(&self) -> Vec<Series> {
        read(self.reader.read(READER).ok().as_ref())
    }
}

/// The series of one instrument that match what was said of them so far. Reading a value asserts that there is one.
#[derive(Clone, Debug)]
pub struct InstrumentQuery {
    all: Vec<Series>,
    left: Vec<Series>,
    said: String,
}

impl InstrumentQuery {
    /// Only series with this attribute. A number is another value than its digits as a string.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.left
            .retain(|series| series.attribute(key) == Some(&value));
        self.said = format!("{} with {}", self.said, span_tree::attribute(key, &value));
        self
    }

    /// Only series without an attribute of this key.
    pub fn without(mut self, key: &str) -> Self {
        self.left.retain(|series| !series.has(key));
        self.said = format!("{} without {key}", self.said);
        self
    }

    /// How many series there are.
    pub fn series(&self) -> usize {
        self.left.len()
    }

    /// What a counter, up/down counter or gauge shows, added up over the series.
    ///
    /// # Panics
    ///
    /// If there is no such series, or it is a histogram's: with all series there are.
    #[track_caller]
    pub fn value(&self) -> f64 {
        self.total("has no value, but a count and a sum", |point| match point {
            Point::Number { value, .. } => Some(*value),
            Point::Histogram { .. } => None,
        })
    }

    /// How often a histogram was recorded to, added up over the series.
    ///
    /// # Panics
    ///
    /// If there is no such series, or it is no histogram's: with all series there are.
    #[track_caller]
    pub fn count(&self) -> u64 {
        // Counts in tests are far below 2^53, up to which f64 is exact.
        self.total("is no histogram", |point| match point {
            Point::Histogram { count, .. } => Some(*count as f64),
            Point::Number { .. } => None,
        }) as u64
    }

    /// The sum of what a histogram recorded, added up over the series.
    ///
    /// # Panics
    ///
    /// If there is no such series, or it is no histogram's: with all series there are.
    #[track_caller]
    pub fn sum(&self) -> f64 {
        self.total("is no histogram", |point| match point {
            Point::Histogram { sum, .. } => Some(*sum),
            Point::Number { .. } => None,
        })
    }

    /// Asserts what [`value`](Self::value) is; the failure message lists the series.
    #[track_caller]
    pub fn assert_value(self, expected: f64) -> Self {
        let value = self.value();
        assert!(
            value == expected,
            "{} is {value} and not {expected}:\n{}",
            self.said,
            list(&self.left)
        );
        self
    }

    /// Asserts what [`count`](Self::count) is; the failure message lists the series.
    #[track_caller]
    pub fn assert_count(self, expected: u64) -> Self {
        let count = self.count();
        assert!(
            count == expected,
            "{} was recorded {count} times and not {expected}:\n{}",
            self.said,
            list(&self.left)
        );
        self
    }

    /// Asserts that there is no such series.
    #[track_caller]
    pub fn assert_absent(&self) {
        assert!(
            self.left.is_empty(),
            "there is {}:\n{}",
            self.said,
            list(&self.left)
        );
    }

    #[track_caller]
    fn total(&self, otherwise: &str, read: impl Fn(&Point) -> Option<f64>) -> f64 {
        assert!(
            !self.left.is_empty(),
            "no series {}; there are\n{}",
            self.said,
            list(&self.all)
        );
        let values: Option<Vec<f64>> = self.left.iter().map(|one| read(&one.point)).collect();
        assert!(
            values.is_some(),
            "{} {otherwise}:\n{}",
            self.said,
            list(&self.left)
        );
        values.unwrap_or_default().iter().sum()
    }
}

/// One series of an instrument.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) instrument: String,
    pub(crate) attributes: Vec<KeyValue>,
    pub(crate) point: Point,
}

#[derive(Clone, Debug)]
pub(crate) enum Point {
    Number {
        value: f64,
        /// It can fall as well as rise, and starts at zero: an up/down counter.
        up_down: bool,
    },
    Histogram {
        count: u64,
        sum: f64,
    },
}

impl Series {
    pub(crate) fn attribute(&self, key: &str) -> Option<&Value> {
        let found = self.attributes.iter().find(|one| one.key.as_str() == key);
        found.map(|one| &one.value)
    }

    fn has(&self, key: &str) -> bool {
        self.attribute(key).is_some()
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.instrument)?;
        for one in &self.attributes {
            write!(f, " {}", span_tree::attribute(one.key.as_str(), &one.value))?;
        }
        match self.point {
            Point::Number { value, .. } => write!(f, ": {value}"),
            Point::Histogram { count, sum } => write!(f, ": count {count}, sum {sum}"),
        }
    }
}

pub(crate) fn list(series: &[Series]) -> String {
    if series.is_empty() {
        return "  none\n".to_owned();
    }
    series.iter().map(|one| format!("  {one}\n")).collect()
}

fn read(metrics: Option<&ResourceMetrics>) -> Vec<Series> {
    let mut all = Vec::new();
    for scope in metrics.iter().flat_map(|metrics| metrics.scope_metrics()) {
        for metric in scope.metrics() {
            match metric.data() {
                AggregatedMetrics::F64(data) => read_data(metric.name(), data, |v| v, &mut all),
                // Values in tests are far below 2^53, up to which f64 is exact.
                AggregatedMetrics::U64(data) => {
                    read_data(metric.name(), data, |v| v as f64, &mut all);
                }
                AggregatedMetrics::I64(data) => {
                    read_data(metric.name(), data, |v| v as f64, &mut all);
                }
            }
        }
    }
    for series in &mut all {
        series.attributes.sort_by(|a, b| a.key.cmp(&b.key));
    }
    // The SDK has no order, and two scopes may have an instrument of one name.
    all.sort_by_cached_key(|series| (series.instrument.clone(), series.to_string()));
    all
}

fn read_data<T: Copy>(
    instrument: &str,
    data: &MetricData<T>,
    number: impl Fn(T) -> f64,
    all: &mut Vec<Series>,
) {
    let mut push = |attributes: Vec<KeyValue>, point| {
        all.push(Series {
            instrument: instrument.to_owned(),
            attributes,
            point,
        });
    };
    match data {
        MetricData::Gauge(gauge) => {
            for point in gauge.data_points() {
                let value = number(point.value());
                let up_down = false;
                push(
                    point.attributes().cloned().collect(),
                    Point::Number { value, up_down },
                );
            }
        }
        MetricData::Sum(sum) => {
            for point in sum.data_points() {
                let value = number(point.value());
                let up_down = !sum.is_monotonic();
                push(
                    point.attributes().cloned().collect(),
                    Point::Number { value, up_down },
                );
            }
        }
        MetricData::Histogram(histogram) => {
            for point in histogram.data_points() {
                push(
                    HistogramDataPoint::attributes(point).cloned().collect(),
                    Point::Histogram {
                        count: point.count(),
                        sum: number(point.sum()),
                    },
                );
            }
        }
        MetricData::ExponentialHistogram(histogram) => {
            for point in histogram.data_points() {
                push(
                    point.attributes().cloned().collect(),
                    Point::Histogram {
                        count: point.count() as u64,
                        sum: number(point.sum()),
                    },
                );
            }
        }
    }
}
