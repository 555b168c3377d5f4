use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Otlp;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
};

use super::*;
use crate::model::{MetricValue, Number};

const DELTA: i32 = AggregationTemporality::Delta as i32;
const CUMULATIVE: i32 = AggregationTemporality::Cumulative as i32;

pub(super) fn gauge(name: &str, time: u64, label: String) -> ExportMetricsServiceRequest {
    let points = vec![number(time, 1, vec![attribute("label", label)])];
    metric(
        name,
        Data::Gauge(Gauge {
            data_points: points,
        }),
    )
}

fn metric(name: &str, data: Data) -> ExportMetricsServiceRequest {
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: resource("web"),
            scope_metrics: vec![ScopeMetrics {
                metrics: vec![Metric {
                    name: name.into(),
                    unit: "s".into(),
                    data: Some(data),
                    ..Metric::default()
                }],
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    }
}

fn number(time: u64, value: i64, attributes: Vec<KeyValue>) -> NumberDataPoint {
    NumberDataPoint {
        attributes,
        start_time_unix_nano: time.saturating_sub(1),
        time_unix_nano: time,
        value: Some(Otlp::AsInt(value)),
        ..NumberDataPoint::default()
    }
}

fn sum(temporality: i32, points: Vec<NumberDataPoint>) -> ExportMetricsServiceRequest {
    metric(
        "requests",
        Data::Sum(Sum {
            data_points: points,
            aggregation_temporality: temporality,
            is_monotonic: true,
        }),
    )
}

fn histogram(time: u64, bounds: &[f64], counts: &[u64]) -> ExportMetricsServiceRequest {
    let point = HistogramDataPoint {
        start_time_unix_nano: time.saturating_sub(1),
        time_unix_nano: time,
        count: counts.iter().sum(),
        sum: Some(1.5),
        min: Some(time as f64),
        max: Some(time as f64),
        explicit_bounds: bounds.to_vec(),
        bucket_counts: counts.to_vec(),
        ..HistogramDataPoint::default()
    };
    metric(
        "http.server.request.duration",
        Data::Histogram(Histogram {
            data_points: vec![point],
            aggregation_temporality: DELTA,
        }),
    )
}

fn exponential(time: u64, scale: i32, offset: i32, counts: &[u64]) -> ExportMetricsServiceRequest {
    let point = ExponentialHistogramDataPoint {
        time_unix_nano: time,
        count: counts.iter().sum(),
        scale,
        positive: Some(Buckets {
            offset,
            bucket_counts: counts.to_vec(),
        }),
        ..ExponentialHistogramDataPoint::default()
    };
    metric(
        "exponential",
        Data::ExponentialHistogram(ExponentialHistogram {
            data_points: vec![point],
            aggregation_temporality: DELTA,
        }),
    )
}

fn only(store: &Store) -> MetricPoint {
    let mut points = store.metrics();
    assert_eq!(points.len(), 1);
    points.remove(0)
}

fn total(store: &Store) -> Number {
    match only(store).value {
        MetricValue::Sum { value, .. } => value,
        other => panic!("no sum: {other:?}"),
    }
}

#[test]
fn the_newest_cumulative_point_of_a_series_stays_whatever_the_order_of_attributes() {
    let store = Store::default();
    let (a, b) = (attribute("a", "1"), attribute("b", "2"));
    store.add_metrics(sum(
        CUMULATIVE,
        vec![number(10, 5, vec![a.clone(), b.clone()])],
    ));
    store.add_metrics(sum(CUMULATIVE, vec![number(20, 9, vec![b, a])]));
    store.add_metrics(sum(
        CUMULATIVE,
        vec![number(
            15,
            7,
            vec![attribute("a", "1"), attribute("b", "2")],
        )],
    ));
    assert_eq!(total(&store), Number::Int(9));
}

#[test]
fn attributes_that_differ_in_type_only_are_two_series() {
    let store = Store::default();
    let mut as_number = attribute("code", "");
    as_number.value = Some(AnyValue {
        value: Some(any_value::Value::IntValue(200)),
    });
    let as_text = attribute("code", "200");
    store.add_metrics(sum(
        CUMULATIVE,
        vec![number(1, 1, vec![as_number]), number(1, 1, vec![as_text])],
    ));
    assert_eq!(store.metrics().len(), 2);
}

#[test]
fn delta_sums_are_added_up_and_a_repeated_one_counts_once() {
    let store = Store::default();
    for (time, value) in [(10, 5), (11, 2), (11, 2), (12, 1)] {
        store.add_metrics(sum(DELTA, vec![number(time, value, Vec::new())]));
    }
    assert_eq!(total(&store), Number::Int(8));
    let point = only(&store);
    assert_eq!((point.start_unix_nanos, point.time_unix_nanos), (9, 12));
}

#[test]
fn delta_histograms_are_added_up_bucket_by_bucket_until_the_bounds_change() {
    let store = Store::default();
    store.add_metrics(histogram(10, &[0.1, 1.0], &[1, 2, 3]));
    store.add_metrics(histogram(11, &[0.1, 1.0], &[10, 20, 30]));
    let expected = MetricValue::Histogram {
        count: 66,
        sum: Some(3.0),
        min: Some(10.0),
        max: Some(11.0),
        bounds: vec![0.1, 1.0],
        counts: vec![11, 22, 33],
    };
    assert_eq!(only(&store).value, expected);
    assert_eq!(store.red()[0].requests, 66);
    store.add_metrics(histogram(12, &[0.5], &[1, 0]));
    assert_eq!(store.red()[0].requests, 1);
}

#[test]
fn delta_exponential_histograms_meet_at_the_coarser_scale() {
    let store = Store::default();
    store.add_metrics(exponential(1, 1, -2, &[1, 1, 1, 1]));
    store.add_metrics(exponential(2, 0, 0, &[10]));
    store.add_metrics(exponential(3, i32::MIN, i32::MAX, &[1, 1]));
    let MetricValue::ExponentialHistogram {
        count,
        scale,
        positive,
        ..
    } = only(&store).value
    else {
        panic!("no exponential histogram");
    };
    assert_eq!((count, scale), (16, i32::MIN));
    assert_eq!(
        positive.into_iter().collect::<Vec<_>>(),
        [(-1, 2), (0, 12), (i32::MAX, 1)]
    );
}

#[test]
fn malformed_histograms_and_empty_points_are_refused() {
    let store = Store::default();
    assert_eq!(store.add_metrics(histogram(1, &[1.0, 0.5], &[1, 1, 1])), 1);
    assert_eq!(store.add_metrics(histogram(1, &[f64::NAN], &[1, 1])), 1);
    assert_eq!(store.add_metrics(histogram(1, &[1.0], &[1])), 1);
    let empty = NumberDataPoint::default();
    assert_eq!(store.add_metrics(sum(CUMULATIVE, vec![empty])), 1);
    assert!(store.metrics().is_empty());
}

#[test]
fn beyond_their_count_the_series_longest_not_updated_gives_way() {
    let store = Store::new(limits(10, 1 << 20));
    for name in 0..10 {
        store.add_metrics(gauge(&name.to_string(), 1, String::new()));
    }
    store.add_metrics(gauge("0", 2, String::new()));
    store.add_metrics(gauge("new", 1, String::new()));
    let names: Vec<_> = store
        .metrics()
        .into_iter()
        .map(|point| point.name)
        .collect();
    assert_eq!(names, ["0", "2", "3", "4", "5", "6", "7", "8", "9", "new"]);
    assert_eq!(store.evicted().series, 1);
}
