use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicU64},
};

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::{
    Temporality,
    data::{AggregatedMetrics, MetricData},
};
use tracing::Level;

use super::*;
use crate::{
    View,
    metrics::metric_parts::{MetricChoices, MetricParts},
    metrics::overflow::Overflows,
    testing::TestTelemetry,
};
use telemetry_api::instrument::scrape::ScrapeFormat;

fn meter(telemetry: &TestTelemetry) -> Meter {
    let scope = InstrumentationScope::builder("shop").build();
    telemetry.providers().meter(scope)
}

/// The bounds of a histogram at `/metrics`.
fn bounds(telemetry: &TestTelemetry, family: &str) -> Vec<f64> {
    let text = telemetry.providers().scrape(ScrapeFormat::OpenMetrics);
    let text = text.unwrap();
    let prefix = format!("{family}_bucket{{");
    let buckets = text.lines().filter(|line| line.starts_with(&prefix));
    let bound = |line: &str| line.split_once("le=\"")?.1.split_once('"')?.0.parse().ok();
    let mut bounds: Vec<f64> = buckets.filter_map(bound).collect();
    assert_eq!(bounds.pop(), Some(f64::INFINITY), "{text}");
    bounds
}

#[test]
fn a_histogram_without_bounds_has_those_of_its_unit() {
    static STATIC: telemetry_api::Histogram = telemetry_api::histogram("static.wait").unit("s");
    let telemetry = TestTelemetry::builder()
        .with_view(View::of("viewed").with_boundaries([7.0]))
        .with_view(View::of("renamed").renamed("other"))
        .build();
    let meter = meter(&telemetry);
    for (unit, word) in [
        ("s", "seconds"),
        ("ms", "milliseconds"),
        ("min", "minutes"),
        ("h", "hours"),
        ("By", "bytes"),
        ("KiBy", "kibibytes"),
    ] {
        let floats = meter.f64_histogram("floats").with_unit(unit).build();
        floats.record(1.0, &[]);
        let integers = meter.u64_histogram("integers").with_unit(unit).build();
        integers.record(1, &[]);
        for family in ["floats", "integers"] {
            let bounds = bounds(&telemetry, &format!("{family}_{word}"));
            assert_eq!(bounds, buckets::for_unit(unit), "{family} {unit}");
        }
    }
    meter.f64_histogram("plain").build().record(1.0, &[]);
    assert_eq!(bounds(&telemetry, "plain"), buckets::NUMBERS);
    let explicit = meter.f64_histogram("explicit").with_unit("s");
    explicit
        .with_boundaries(vec![1.0, 2.0])
        .build()
        .record(1.0, &[]);
    assert_eq!(bounds(&telemetry, "explicit_seconds"), [1.0, 2.0]);
    let viewed = meter.f64_histogram("viewed").with_unit("s").build();
    viewed.record(1.0, &[]);
    assert_eq!(bounds(&telemetry, "viewed_seconds"), [7.0]);
    let renamed = meter.f64_histogram("renamed").with_unit("s").build();
    renamed.record(1.0, &[]);
    assert_eq!(bounds(&telemetry, "other_seconds"), buckets::for_unit("s"));
    let _default = telemetry.providers().set_default();
    STATIC.record(1.0, ());
    assert_eq!(
        bounds(&telemetry, "static_wait_seconds"),
        buckets::for_unit("s")
    );
}

#[test]
fn a_counter_refuses_what_would_make_it_fall_and_warns_once() {
    let telemetry = TestTelemetry::new();
    let meter = meter(&telemetry);
    let counter = meter.f64_counter("weight").build();
    let bound = counter.bind(&[]);
    counter.add(7.5, &[]);
    counter.add(-5.0, &[]);
    bound.add(-5.0);
    bound.add(1.0);
    let _observed = meter
        .f64_observable_counter("observed")
        .with_callback(|observer| observer.observe(-3.0, &[]))
        .build();
    telemetry.instrument("weight").assert_value(8.5);
    telemetry.instrument("observed").assert_absent();
    telemetry.instrument("observed").assert_absent();
    let warnings = telemetry.assert_log("a counter was given a negative number");
    warnings.level(Level::WARN).count(2);
    // An up-down counter may fall.
    let carts = meter.f64_up_down_counter("carts").build();
    carts.add(-2.0, &[]);
    telemetry.instrument("carts").assert_value(-2.0);
}

/// The parts of a pipeline whose push is delta, and the text of its `/metrics`.
fn parts(temporality: Temporality) -> MetricParts {
    let reporter = Arc::<Reporter>::default();
    let choices = MetricChoices {
        pushed: temporality,
        ..MetricChoices::default()
    };
    let resource = opentelemetry_sdk::Resource::builder_empty().build();
    let overflows = Arc::new(Overflows::new(reporter.clone()));
    MetricParts::new(choices, &resource, &overflows, &reporter)
}

/// The sums of an integer counter in the push, in the order of their attributes.
fn pushed(parts: &MetricParts, name: &str) -> Vec<u64> {
    let metrics = parts.pushed.read("test").unwrap();
    let all = metrics.scope_metrics().flat_map(|scope| scope.metrics());
    let metric = all.into_iter().find(|metric| metric.name() == name);
    let Some(AggregatedMetrics::U64(MetricData::Sum(sum))) = metric.map(|metric| metric.data())
    else {
        return Vec::new();
    };
    let mut points: Vec<_> = sum
        .data_points()
        .map(|point| {
            let attributes: Vec<_> = point.attributes().map(|one| one.to_owned()).collect();
            (format!("{attributes:?}"), point.value())
        })
        .collect();
    points.sort();
    points.into_iter().map(|(_, value)| value).collect()
}

#[test]
fn an_observable_counter_never_falls_when_its_source_goes() {
    for (temporality, expected) in [
        (Temporality::Cumulative, [3, 3, 3, 4]),
        (Temporality::Delta, [3, 0, 0, 1]),
    ] {
        let parts = parts(temporality);
        let meter = parts.meters.meter("pool");
        let source = Arc::new(Mutex::new(Some(3)));
        let observed = source.clone();
        let _timeouts = meter
            .u64_observable_counter("timeouts")
            .with_callback(move |observer| {
                if let Some(value) = *observed.lock().unwrap() {
                    observer.observe(value, &[KeyValue::new("pool", "a")]);
                }
            })
            .build();
        let jobs = meter.u64_counter("jobs").build();
        let mut seen = Vec::new();
        for value in [Some(3), None, Some(0), Some(4)] {
            *source.lock().unwrap() = value;
            jobs.add(1, &[]);
            seen.extend(pushed(&parts, "timeouts"));
            assert_eq!(pushed(&parts, "timeouts").len(), 1);
            let text = telemetry_api::instrument::scrape::Scrape::scrape(
                &*parts.text,
                ScrapeFormat::Prometheus,
            );
            assert!(
                text.contains("timeouts_total{") && text.contains("jobs_total{"),
                "{text}"
            );
            assert!(!text.contains("timeouts_total{otel_scope_name=\"pool\",pool=\"a\"} 0"));
        }
        assert_eq!(seen, expected, "{temporality:?}");
    }
}

#[test]
fn series_in_another_order_of_attributes_are_one() {
    let parts = parts(Temporality::Cumulative);
    let turned = Arc::new(AtomicBool::new(false));
    let (value, turn) = (Arc::new(AtomicU64::new(5)), turned.clone());
    let observed = value.clone();
    let _counter = parts
        .meters
        .meter("pool")
        .u64_observable_counter("timeouts")
        .with_callback(move |observer| {
            let mut attributes = [KeyValue::new("a", 1), KeyValue::new("b", 2)];
            if turn.load(Ordering::Relaxed) {
                attributes.reverse();
            }
            observer.observe(observed.load(Ordering::Relaxed), &attributes);
        })
        .build();
    assert_eq!(pushed(&parts, "timeouts"), [5]);
    turned.store(true, Ordering::Relaxed);
    value.store(9, Ordering::Relaxed);
    assert_eq!(pushed(&parts, "timeouts"), [9]);
}

#[test]
fn two_instruments_of_one_name_that_differ_are_one_warning() {
    let telemetry = TestTelemetry::new();
    let meter = meter(&telemetry);
    let other = telemetry
        .providers()
        .meter(InstrumentationScope::builder("other").build());
    for _ in 0..3 {
        meter.u64_counter("jobs").with_description("Jobs").build();
        meter.u64_counter("same").build();
        // A scope has names of its own.
        other.f64_gauge("jobs").build();
    }
    assert!(telemetry.logs().is_empty(), "{:?}", telemetry.logs());
    meter.u64_counter("Jobs").with_unit("{job}").build();
    meter.f64_gauge("jobs").build();
    let warning = telemetry.assert_log("two instruments have one name").one();
    assert_eq!(warning.level, Level::WARN);
    assert_eq!(warning.field("instrument"), Some(&"Jobs".into()));
}
