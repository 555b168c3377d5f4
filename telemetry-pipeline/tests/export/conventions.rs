//! Names, kinds, units and attributes of our own metrics are those of the conventions.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use opentelemetry_proto::tonic::{
    common::v1::KeyValue,
    metrics::v1::{Metric, metric::Data},
};
use telemetry_pipeline::Config;

use crate::{
    collector::{Collector, ok, status},
    record, tracer,
};

const CONVENTIONS: &str = include_str!("conventions.txt");

/// The kind and unit of an instrument, and the attributes that its points have.
type Instrument = (String, BTreeSet<String>);

fn describe(metric: &Metric) -> Instrument {
    fn keys<'a>(attributes: impl Iterator<Item = &'a Vec<KeyValue>>) -> BTreeSet<String> {
        attributes.flatten().map(|kv| kv.key.clone()).collect()
    }
    let (kind, keys) = match metric.data.as_ref().unwrap() {
        Data::Gauge(data) => (
            "gauge",
            keys(data.data_points.iter().map(|one| &one.attributes)),
        ),
        Data::Sum(data) => (
            if data.is_monotonic {
                "counter"
            } else {
                "updowncounter"
            },
            keys(data.data_points.iter().map(|one| &one.attributes)),
        ),
        Data::Histogram(data) => (
            "histogram",
            keys(data.data_points.iter().map(|one| &one.attributes)),
        ),
        other => panic!("{other:?}"),
    };
    (format!("{kind} {}", metric.unit), keys)
}

fn known() -> BTreeMap<&'static str, Instrument> {
    let lines = CONVENTIONS.lines().filter(|line| !line.starts_with('#'));
    let parse = |line: &'static str| {
        let fields: Vec<_> = line.split(" | ").collect();
        let keys = fields.get(3).into_iter().flat_map(|keys| keys.split(' '));
        let what = format!("{} {}", fields[1], fields[2]);
        (fields[0], (what, keys.map(str::to_owned).collect()))
    };
    lines.map(parse).collect()
}

#[test]
fn every_metric_of_our_own_is_one_of_the_conventions_and_all_are_there() {
    let collector = Collector::answering(|request, before| match request.path.as_str() {
        "/v1/traces" if before < 3 => status("400 Bad Request"),
        _ => ok(),
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let telemetry = Config::new("shop")
        .with_environment([("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())])
        .with_runtime("main", runtime.handle().clone())
        .with_log_sink(|_| {})
        .build()
        .unwrap();
    record(&tracer(&telemetry), "order");
    tracing::dispatcher::with_default(telemetry.dispatch(), || tracing::info!("logged"));
    assert!(
        telemetry.force_flush().is_err(),
        "so that there is a failure"
    );
    // A share of the processors is taken over a second.
    std::thread::sleep(Duration::from_millis(1100));
    assert_eq!(telemetry.force_flush(), Ok(()));

    let received = collector.received();
    let mut requests = received.iter().filter(|one| one.path == "/v1/metrics");
    let last = requests.next_back().unwrap().metrics();
    let scopes = last
        .resource_metrics
        .iter()
        .flat_map(|one| &one.scope_metrics);
    let metrics = scopes.flat_map(|scope| &scope.metrics);
    let found: BTreeMap<_, _> = metrics.map(|one| (&*one.name, describe(one))).collect();
    let known = known();
    for (name, (what, keys)) in &found {
        let Some((expected, allowed)) = known.get(name) else {
            panic!("{name} is no convention");
        };
        assert_eq!(what, expected, "{name}");
        assert!(keys.is_subset(allowed), "{name}: {keys:?}");
    }
    let missing: Vec<_> = known
        .keys()
        .filter(|name| !found.contains_key(*name))
        .collect();
    if cfg!(target_os = "linux") {
        assert!(missing.is_empty(), "{missing:?}");
    }
    let failed = &found["otel.sdk.exporter.span.exported"].1;
    assert!(failed.contains("error.type"), "{failed:?}");
    let took = &found["otel.sdk.exporter.operation.duration"].1;
    assert!(took.contains("http.response.status_code"), "{took:?}");
}
