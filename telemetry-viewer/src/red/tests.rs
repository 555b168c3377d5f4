use std::collections::BTreeMap;

use super::table::Percentiles;
use super::*;
use crate::model::{MetricPoint, MetricValue, Value};
use crate::store::Series;

const METRIC: &str = "http.server.request.duration";

const SECOND: u64 = 1_000_000_000;

fn histogram(bounds: &[f64], counts: &[u64], max: Option<f64>) -> MetricValue {
    MetricValue::Histogram {
        count: counts.iter().sum(),
        sum: None,
        min: None,
        max,
        bounds: bounds.to_vec(),
        counts: counts.to_vec(),
    }
}

fn point(attributes: &[(&str, &str)], value: MetricValue) -> MetricPoint {
    MetricPoint {
        service: "web".into(),
        instance: String::new(),
        scope: String::new(),
        name: METRIC.into(),
        unit: "s".into(),
        description: String::new(),
        attributes: attributes
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Value::from(*value)))
            .collect(),
        start_unix_nanos: SECOND,
        time_unix_nanos: 11 * SECOND,
        value,
        exemplars: Vec::new(),
    }
}

fn rows(points: &[MetricPoint]) -> Vec<RedRow> {
    let series: Vec<Series> = points.iter().cloned().map(Series::of).collect();
    server_rows(&series, &[])
}

fn quantiles(value: MetricValue) -> (Option<f64>, Option<f64>) {
    let rows = rows(&[point(&[], value)]);
    (rows[0].p50, rows[0].p99)
}

#[test]
fn a_percentile_is_interpolated_within_its_bucket() {
    let (p50, p99) = quantiles(histogram(&[0.1, 0.2, 0.4], &[0, 50, 50, 0], None));
    assert_eq!(p50, Some(0.2));
    assert!((p99.unwrap() - 0.396).abs() < 1e-12);
}

#[test]
fn the_last_bucket_ends_at_the_maximum_or_else_counts_as_its_lower_bound() {
    assert_eq!(
        quantiles(histogram(&[1.0], &[0, 10], None)),
        (Some(1.0), Some(1.0))
    );
    let (p50, p99) = quantiles(histogram(&[1.0], &[0, 100], Some(3.0)));
    assert_eq!(p50, Some(2.0));
    assert!((p99.unwrap() - 2.98).abs() < 1e-9);
}

#[test]
fn a_bucket_ends_at_the_largest_measurement() {
    let (p50, _) = quantiles(histogram(&[1.0], &[10, 0], Some(0.25)));
    assert_eq!(p50, Some(0.125));
}

#[test]
fn an_empty_histogram_has_no_percentiles() {
    assert_eq!(
        quantiles(histogram(&[1.0, 2.0], &[0, 0, 0], None)),
        (None, None)
    );
    assert_eq!(quantiles(histogram(&[], &[], None)), (None, None));
}

#[test]
fn an_exponential_histogram_has_percentiles_too() {
    let value = MetricValue::ExponentialHistogram {
        count: 10,
        sum: None,
        min: None,
        max: None,
        scale: 0,
        zero_count: 0,
        positive: BTreeMap::from([(-1, 10)]),
        negative: BTreeMap::new(),
    };
    assert_eq!(quantiles(value).0, Some(0.75));
}

#[test]
fn hostile_bounds_and_counts_give_figures_and_no_panic() {
    let value = histogram(
        &[-5.0, f64::INFINITY],
        &[1, u64::MAX / 4, 0],
        Some(f64::NAN),
    );
    let rows = rows(&[point(&[], value.clone()), point(&[], value)]);
    let _ = render_red(&rows);
}

#[test]
fn status_codes_are_added_up_and_errors_counted_once() {
    let route = [("http.request.method", "GET"), ("http.route", "/orders")];
    let ok = point(&route, histogram(&[1.0], &[18, 0], None));
    let mut failed = point(&route, histogram(&[1.0], &[0, 2], None));
    failed
        .attributes
        .push(("error.type".into(), Value::from("500")));
    let mut elsewhere = point(&route, histogram(&[1.0], &[5, 0], None));
    elsewhere.service = "api".into();
    let mut other = point(&route, histogram(&[1.0], &[7, 0], None));
    other.name = "http.client.request.duration".into();

    let rows = rows(&[ok, failed, elsewhere, other]);
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].service.as_str(), rows[0].requests), ("api", 5));
    let web = &rows[1];
    assert_eq!(
        (web.method.as_str(), web.route.as_str()),
        ("GET", "/orders")
    );
    assert_eq!((web.requests, web.errors), (20, 2));
    assert_eq!(web.rate, Some(2.0));
}

#[test]
fn without_a_start_there_is_no_rate() {
    let mut undated = point(&[], histogram(&[1.0], &[1, 0], None));
    undated.start_unix_nanos = 0;
    assert_eq!(rows(&[undated])[0].rate, None);
}

#[test]
fn the_table_is_aligned_and_escaped() {
    let row = RedRow {
        service: "web\n".into(),
        method: "GET".into(),
        route: String::new(),
        requests: 20,
        errors: 2,
        rate: Some(2.0),
        recent_rate: 0.0,
        p50: Some(0.0025),
        p95: None,
        p99: Some(1.5),
        percentiles: Percentiles::Buckets,
    };
    assert_eq!(
        render_red(&[row]),
        "\
SERVICE  METHOD  ROUTE  REQUESTS  ERRORS  RATE/s     P50  P95    P99     FROM
web\\n    GET     -            20       2    2.00  2.50ms    -  1.50s  buckets
"
    );
}

#[test]
fn spans_and_metrics_of_an_operation_meet_in_every_family() {
    use crate::analysis::fixture::{SpanExt, span};
    use crate::model::SpanKind;

    let store = Store::default();
    let spans = [
        span(1, 0, "GET /orders", 0, 1)
            .kind(SpanKind::Server)
            .with("http.request.method", "GET")
            .with("http.route", "/orders"),
        span(2, 1, "GET", 0, 2)
            .kind(SpanKind::Client)
            .with("http.request.method", "GET")
            .with("server.address", "stock"),
        span(3, 1, "stock.Stock/Take", 0, 3)
            .kind(SpanKind::Client)
            .with("rpc.system.name", "grpc")
            .with("rpc.method", "stock.Stock/Take"),
        span(4, 1, "send orders", 0, 4)
            .kind(SpanKind::Producer)
            .with("messaging.operation.name", "send")
            .with("messaging.destination.name", "orders"),
        span(5, 1, "SELECT orders", 0, 5)
            .kind(SpanKind::Client)
            .with("db.system.name", "postgresql")
            .with("db.query.summary", "SELECT orders"),
        span(6, 1, "Verify", 0, 6)
            .with("retail.flow", "checkout")
            .with("retail.stage", "payment"),
    ];
    let lines = crate::lines::of_spans(&spans.map(|span| span.of("web")));
    store.import_line(&lines).unwrap();
    let metric = |name: &str, attributes: &[(&str, &str)]| {
        let mut point = point(attributes, histogram(&[1.0], &[1, 0], None));
        point.name = name.into();
        Series::of(point)
    };
    let series = [
        metric(
            "http.server.request.duration",
            &[("http.request.method", "GET"), ("http.route", "/orders")],
        ),
        metric(
            "http.client.request.duration",
            &[("http.request.method", "GET"), ("server.address", "stock")],
        ),
        metric(
            "rpc.client.call.duration",
            &[
                ("rpc.system.name", "grpc"),
                ("rpc.method", "stock.Stock/Take"),
            ],
        ),
        metric(
            "messaging.client.operation.duration",
            &[
                ("messaging.operation.name", "send"),
                ("messaging.destination.name", "orders"),
            ],
        ),
        metric(
            "db.client.operation.duration",
            &[
                ("db.system.name", "postgresql"),
                ("db.query.summary", "SELECT orders"),
            ],
        ),
        metric(
            "retail.step.duration",
            &[("retail.stage", "payment"), ("retail.flow", "checkout")],
        ),
    ];
    let found = operations(&series, &store.all_held(), now());
    assert_eq!(found.len(), 6);
    for operation in &found {
        assert!(operation.from_metrics, "{operation:?}");
        assert_eq!(operation.count, 1);
        assert_eq!(operation.source, Percentiles::Spans);
    }
    let millis: Vec<u64> = found
        .iter()
        .map(|it| (it.percentiles[0].unwrap() * 1000.0).round() as u64)
        .collect();
    assert_eq!(millis, [1, 2, 3, 4, 5, 6]);
}

#[test]
fn the_rate_of_the_last_minute_comes_from_the_newest_points() {
    let minute = 60 * SECOND;
    let at = |time: u64, count: u64| MetricPoint {
        time_unix_nanos: time,
        ..point(&[], histogram(&[1.0], &[count, 0], None))
    };
    let mut series = Series::of(at(10 * minute, 6000));
    series.add(&at(11 * minute, 6300));
    let recent = |now: u64| operations(std::slice::from_ref(&series), &[], now)[0].recent_rate;
    assert_eq!(recent(11 * minute + SECOND), 5.0);
    assert_eq!(recent(20 * minute), 0.0);
}
