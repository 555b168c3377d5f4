//! Metrics as text: for each service its resource, scopes, metrics and points, all in the order of names.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
    metric::Data, number_data_point::Value,
};

use crate::{
    render::{self, hex, labels},
    scenario::Output,
    traces::service,
};

/// Metrics of the process, its runtimes and the telemetry itself: their values depend on the machine. How many
/// connections a pool opens at its start depends on time, too.
const OF_THE_MACHINE: [&str; 4] = ["process.", "tokio.", "otel.", "db.client.connection.count"];

pub(crate) fn render(output: &Output) -> String {
    let requests = output.received.metrics.iter();
    let mut services: Vec<_> = requests
        .flat_map(|request| &request.resource_metrics)
        .map(of_service)
        .collect();
    services.sort();
    services.concat()
}

fn of_service(metrics: &ResourceMetrics) -> String {
    let resource = render::resource(metrics.resource.as_ref(), &metrics.schema_url);
    let mut text = format!("# {}\n\n{resource}\n", service(metrics.resource.as_ref()));
    let mut scopes = BTreeMap::<String, Vec<String>>::new();
    for of_scope in &metrics.scope_metrics {
        let scope = render::scope(of_scope.scope.as_ref(), &of_scope.schema_url);
        let metrics = of_scope.metrics.iter().map(metric);
        scopes.entry(scope).or_default().extend(metrics);
    }
    for (scope, mut metrics) in scopes {
        metrics.sort();
        text.push_str(&format!("## scope {scope}\n\n{}", metrics.concat()));
    }
    text
}

fn metric(metric: &Metric) -> String {
    let of_machine = OF_THE_MACHINE.iter().any(|it| metric.name.starts_with(it));
    // Seconds are measured, all else is counted.
    let shown = Shown {
        numbers: !of_machine,
        amounts: !of_machine && metric.unit != "s",
    };
    let (kind, mut points) = match metric.data.as_ref().unwrap() {
        Data::Gauge(gauge) => {
            let points = gauge.data_points.iter().map(|it| number(it, shown));
            ("gauge".to_owned(), points.collect::<Vec<_>>())
        }
        Data::Sum(sum) => {
            let monotonic = if sum.is_monotonic {
                "monotonic"
            } else {
                "not monotonic"
            };
            let points = sum.data_points.iter().map(|it| number(it, shown));
            (
                format!(
                    "sum, {monotonic}, {}",
                    temporality(sum.aggregation_temporality)
                ),
                points.collect(),
            )
        }
        Data::Histogram(histogram) => {
            let points = histogram
                .data_points
                .iter()
                .map(|it| of_histogram(it, shown));
            (
                format!(
                    "histogram, {}",
                    temporality(histogram.aggregation_temporality)
                ),
                points.collect(),
            )
        }
        Data::ExponentialHistogram(_) => ("exponential histogram".to_owned(), Vec::new()),
        Data::Summary(_) => ("summary".to_owned(), Vec::new()),
    };
    points.sort();
    format!(
        "{}\n  {:?}\n  unit {:?}, {kind}, metadata {}\n{}\n",
        metric.name,
        metric.description,
        metric.unit,
        labels(&metric.metadata),
        points.concat()
    )
}

/// The parts of a point that are the same on every machine.
#[derive(Clone, Copy)]
struct Shown {
    /// How often something was recorded, and values of sums and gauges.
    numbers: bool,
    /// Sums and buckets of what was recorded.
    amounts: bool,
}

fn temporality(value: i32) -> &'static str {
    AggregationTemporality::try_from(value).map_or("unknown temporality", |it| it.as_str_name())
}

fn number(point: &NumberDataPoint, shown: Shown) -> String {
    let value = match point.value {
        None => "<none>".to_owned(),
        Some(Value::AsDouble(value)) if shown.amounts && value.fract() == 0.0 => {
            format!("{value:?}")
        }
        Some(Value::AsDouble(_)) => "<double>".to_owned(),
        Some(Value::AsInt(value)) if shown.numbers => value.to_string(),
        Some(Value::AsInt(_)) => "<int>".to_owned(),
    };
    format!(
        "  - {} = {value}{}{}\n",
        labels(&point.attributes),
        times(
            point.start_time_unix_nano,
            point.time_unix_nano,
            point.flags
        ),
        exemplars(&point.exemplars)
    )
}

fn of_histogram(point: &HistogramDataPoint, shown: Shown) -> String {
    let sum = match point.sum {
        None => "<none>".to_owned(),
        Some(sum) if shown.amounts => sum.to_string(),
        Some(_) => "<double>".to_owned(),
    };
    let extreme = |value: Option<f64>| match value {
        None => "<none>".to_owned(),
        Some(value) if shown.amounts => value.to_string(),
        Some(_) => "<double>".to_owned(),
    };
    let count = if shown.numbers {
        point.count.to_string()
    } else {
        "<int>".to_owned()
    };
    let counts = if shown.amounts {
        format!("{:?}", point.bucket_counts)
    } else {
        format!("<{} counts>", point.bucket_counts.len())
    };
    format!(
        "  - {}\n    count {count}, sum {sum}, min {}, max {}{}\n    bounds {:?}\n    counts {counts}{}\n",
        labels(&point.attributes),
        extreme(point.min),
        extreme(point.max),
        times(
            point.start_time_unix_nano,
            point.time_unix_nano,
            point.flags
        ),
        point.explicit_bounds,
        exemplars(&point.exemplars)
    )
}

fn times(start: u64, time: u64, flags: u32) -> String {
    assert!(time > 0 && start <= time, "{start} to {time}");
    let start = if start == 0 { ", no start" } else { "" };
    let flags = if flags == 0 {
        String::new()
    } else {
        format!(", flags {flags:#x}")
    };
    start.to_owned() + &flags
}

/// The kinds of exemplars: which measurement is one depends on its duration.
fn exemplars(exemplars: &[Exemplar]) -> String {
    let id = |id: &[u8], name: &str| match hex(id).len() {
        0 => format!("no {name}"),
        digits => format!("{name} of {digits} digits"),
    };
    let kind = |exemplar: &Exemplar| {
        format!(
            "\n    exemplar: {}, {}, attributes {}",
            id(&exemplar.trace_id, "trace id"),
            id(&exemplar.span_id, "span id"),
            labels(&exemplar.filtered_attributes)
        )
    };
    let mut kinds: Vec<_> = exemplars.iter().map(kind).collect();
    kinds.sort();
    kinds.dedup();
    kinds.concat()
}
