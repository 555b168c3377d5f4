//! Requests stay below what collectors accept, and an item that is too large alone is the only one that is lost.

use std::sync::Arc;

use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use telemetry_api::opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{SpanKind, TraceContextExt},
};
use telemetry_pipeline::Config;

use crate::{
    collector::{Answer, Collector, Received, ok, status},
    grpc, tracer,
};

/// The largest request that a collector accepts by default.
const LIMIT: usize = 4 * 1024 * 1024;

fn refusing_large_ones(received: &Received, _: usize) -> Answer {
    if received.body.len() > LIMIT {
        status("413 Payload Too Large")
    } else {
        ok()
    }
}

fn telemetry(url: &str, protocol: &str) -> telemetry_pipeline::Telemetry {
    Config::new("shop")
        .with_environment([
            ("OTEL_EXPORTER_OTLP_ENDPOINT", url),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_INSTRUMENTATION_PROCESS_ENABLED", "false"),
            ("OTEL_INSTRUMENTATION_SDK_ENABLED", "false"),
            ("RUST_LOG", "info"),
        ])
        .with_log_sink(|_| {})
        .build()
        .unwrap()
}

fn points(collector: &Collector) -> usize {
    let received = collector.received();
    let requests = received.iter().filter(|one| one.path == "/v1/metrics");
    requests
        .map(|one| {
            assert!(one.body.len() < LIMIT, "{} bytes", one.body.len());
            let request = one.metrics();
            let scopes = request
                .resource_metrics
                .iter()
                .flat_map(|one| &one.scope_metrics);
            let metrics = scopes.flat_map(|scope| &scope.metrics);
            let points = metrics.map(|metric| match metric.data.as_ref().unwrap() {
                Data::Histogram(data) => data.data_points.len(),
                other => panic!("{other:?}"),
            });
            points.sum::<usize>()
        })
        .sum()
}

#[test]
fn many_series_are_as_many_requests_as_they_need() {
    for protocol in ["http/protobuf", "http/json"] {
        let collector = Collector::answering(refusing_large_ones);
        let telemetry = telemetry(&collector.url(), protocol);
        let scope = InstrumentationScope::builder("test").build();
        let meter = telemetry.providers().meter(scope);
        for number in 0..8 {
            let histogram = meter.f64_histogram(format!("large.{number}")).build();
            for series in 0..1999 {
                let path = format!("/{series}/{}", "x".repeat(100));
                histogram.record(1.0, &[KeyValue::new("path", path)]);
            }
        }
        assert_eq!(telemetry.force_flush(), Ok(()), "{protocol}");
        assert_eq!(points(&collector), 8 * 1999, "{protocol}");
        assert!(collector.received().len() > 1);
    }
}

#[test]
fn one_huge_span_among_small_ones_is_lost_alone() {
    for protocol in ["http/protobuf", "http/json"] {
        let collector = Collector::answering(refusing_large_ones);
        let telemetry = telemetry(&collector.url(), protocol);
        let tracer = tracer(&telemetry);
        for number in 0..100 {
            let size = if number == 50 { LIMIT + 1 } else { 10 };
            let attributes = || vec![KeyValue::new("payload", "x".repeat(size))];
            let cx = tracer.start(&Default::default(), "one", SpanKind::Internal, attributes);
            cx.span().end();
        }
        let error = telemetry.force_flush().unwrap_err();
        assert_eq!(error.losses.len(), 1, "{protocol}: {error}");
        assert_eq!(error.losses[0].items(), 1, "{protocol}: {error}");
        assert!(
            error.to_string().contains("accepts only smaller requests"),
            "{error}"
        );
        let received = collector.received();
        let accepted = received.iter().filter(|one| one.body.len() <= LIMIT);
        let spans: usize = accepted
            .filter(|one| one.path == "/v1/traces")
            .map(|one| crate::collector::span_names(&one.traces()).len())
            .sum();
        assert_eq!(spans, 99, "{protocol}");
    }
}

#[test]
fn over_grpc_too_one_huge_span_is_lost_alone() {
    // The server of tonic refuses messages of more than 4 MiB by itself.
    let collector = grpc::Collector::start(None, |_, _| Ok(Default::default()));
    let telemetry = Config::new("shop")
        .with_environment([
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url().as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
        ])
        .with_log_sink(|_| {})
        .build()
        .unwrap();
    let tracer = tracer(&telemetry);
    for number in 0..100 {
        let size = if number == 50 { LIMIT + 1 } else { 10 };
        let attributes = || vec![KeyValue::new("payload", "x".repeat(size))];
        let cx = tracer.start(&Default::default(), "one", SpanKind::Internal, attributes);
        cx.span().end();
    }
    let error = telemetry.force_flush().unwrap_err();
    assert_eq!(error.losses[0].items(), 1, "{error}");
    assert_eq!(collector.spans().len(), 99);
}

#[test]
fn one_huge_log_record_among_small_ones_is_lost_alone() {
    for protocol in ["http/protobuf", "http/json"] {
        let collector = Collector::answering(refusing_large_ones);
        let telemetry = telemetry(&collector.url(), protocol);
        tracing::dispatcher::with_default(telemetry.dispatch(), || {
            for number in 0..100 {
                let payload = "x".repeat(if number == 50 { LIMIT + 1 } else { 10 });
                tracing::info!(payload, "one");
            }
        });
        let error = telemetry.force_flush().unwrap_err();
        assert_eq!(error.losses[0].items(), 1, "{protocol}: {error}");
        let received = collector.received();
        let records: usize = received
            .iter()
            .filter(|one| one.path == "/v1/logs" && one.body.len() <= LIMIT)
            .flat_map(|one| one.logs().resource_logs)
            .flat_map(|one| one.scope_logs)
            .map(|scope| scope.log_records.len())
            .sum();
        assert_eq!(records, 99, "{protocol}");
    }
}

#[test]
fn many_small_spans_whose_json_is_large_are_sent_in_parts() {
    let collector = Collector::answering(refusing_large_ones);
    let telemetry = telemetry(&collector.url(), "http/json");
    let tracer = tracer(&telemetry);
    let quoted: Arc<str> = "\u{1}".repeat(3000).into();
    for _ in 0..512 {
        let attributes = || vec![KeyValue::new("quoted", quoted.clone())];
        let cx = tracer.start(&Default::default(), "one", SpanKind::Internal, attributes);
        cx.span().end();
    }
    assert_eq!(telemetry.force_flush(), Ok(()));
    assert_eq!(collector.spans().len(), 512);
    assert!(
        collector
            .received()
            .iter()
            .all(|one| one.body.len() < LIMIT)
    );
}
