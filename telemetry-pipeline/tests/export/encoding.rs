//! The bytes on the wire: protobuf, JSON, gzip, zstd, gRPC.

use serde_json::Value;
use telemetry_api::opentelemetry::{
    Array, InstrumentationScope, KeyValue,
    trace::{SpanKind, Status, TraceContextExt},
};

use crate::{collector::Collector, grpc, record, tracer, traces_to};

const COMPRESSIONS: &[&str] = match cfg!(feature = "zstd") {
    true => &["none", "gzip", "zstd"],
    false => &["none", "gzip"],
};

#[test]
fn over_http_each_compression_arrives() {
    for &compression in COMPRESSIONS {
        for protocol in ["http/protobuf", "http/json"] {
            let collector = Collector::start();
            let telemetry = traces_to(
                &collector.url(),
                &[
                    ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                    ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", compression),
                    ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20b"),
                ],
            );
            record(&tracer(&telemetry), "squeezed");
            assert_eq!(telemetry.shutdown(), Ok(()));
            assert_eq!(collector.spans(), ["squeezed"], "{protocol} {compression}");
            let headers = &collector.received()[0].headers;
            let encoding = headers.get("content-encoding").map(String::as_str);
            assert_eq!(encoding, (compression != "none").then_some(compression));
            assert_eq!(headers["x-key"], "a b");
            let request = collector.received()[0].traces().resource_spans.remove(0);
            assert!(
                request
                    .schema_url
                    .starts_with("https://opentelemetry.io/schemas/1.")
            );
            assert_eq!(request.scope_spans[0].schema_url, request.schema_url);
            assert!(headers["user-agent"].starts_with("OTel-OTLP-Exporter-Rust/0."));
        }
    }
}

#[test]
fn over_grpc_each_compression_arrives() {
    for &compression in COMPRESSIONS {
        let collector = grpc::Collector::start(None, |_, _| Ok(Default::default()));
        let telemetry = traces_to(
            &collector.url(),
            &[
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
                ("OTEL_EXPORTER_OTLP_COMPRESSION", compression),
                ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20b"),
            ],
        );
        record(&tracer(&telemetry), "squeezed");
        assert_eq!(telemetry.shutdown(), Ok(()));
        assert_eq!(collector.spans(), ["squeezed"], "{compression}");
        let received = &collector.received()[0];
        assert_eq!(
            received.encoding.as_deref(),
            (compression != "none").then_some(compression)
        );
        assert_eq!(received.header.as_deref(), Some("a b"));
    }
}

#[test]
fn json_is_as_the_specification_has_it() {
    let collector = Collector::start();
    let telemetry = traces_to(
        &collector.url(),
        &[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")],
    );
    let tracer = tracer(&telemetry);
    let attributes = || {
        vec![
            KeyValue::new("whole", i64::MAX),
            KeyValue::new("broken", 0.5),
            KeyValue::new(
                "list",
                telemetry_api::opentelemetry::Value::Array(Array::Bool(vec![true])),
            ),
        ]
    };
    let cx = tracer.start(&Default::default(), "json", SpanKind::Client, attributes);
    cx.span().set_status(Status::error("bad"));
    let ids = cx.span().span_context().clone();
    cx.span().end();
    assert_eq!(telemetry.shutdown(), Ok(()));

    let received = collector.received();
    assert_eq!(received[0].path, "/v1/traces");
    let json: Value = serde_json::from_slice(&received[0].body).unwrap();
    let span = &json["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(
        span["traceId"],
        ids.trace_id().to_string(),
        "hexadecimal, in lower case"
    );
    assert_eq!(span["spanId"], ids.span_id().to_string());
    assert_eq!(span["kind"], 3, "an enumeration is a number");
    assert_eq!(span["status"]["code"], 2);
    assert!(
        span["startTimeUnixNano"].is_string(),
        "64 bits are a string: {span}"
    );
    assert_eq!(
        span["attributes"][0]["value"]["intValue"],
        i64::MAX.to_string()
    );
    assert_eq!(span["attributes"][1]["value"]["doubleValue"], 0.5);
    assert_eq!(
        span["attributes"][2]["value"]["arrayValue"]["values"][0]["boolValue"],
        true
    );
}

#[test]
fn all_three_signals_go_out_as_json_and_as_protobuf() {
    for protocol in ["http/json", "http/protobuf"] {
        let collector = Collector::start();
        let telemetry = telemetry_pipeline::Config::new("shop")
            .with_environment([
                ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url().as_str()),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ])
            .with_log_sink(|_| {})
            .build()
            .unwrap();
        record(&tracer(&telemetry), "span");
        let scope = InstrumentationScope::builder("test").build();
        telemetry
            .providers()
            .meter(scope)
            .u64_counter("hits")
            .build()
            .add(3, &[]);
        tracing::dispatcher::with_default(telemetry.dispatch(), || tracing::info!("line"));
        assert_eq!(telemetry.shutdown(), Ok(()));

        let received = collector.received();
        let of = |path: &str| {
            received
                .iter()
                .find(|one| one.path == path)
                .unwrap()
                .clone()
        };
        assert_eq!(collector.spans(), ["span"]);
        let metrics = of("/v1/metrics").metrics();
        let names = metrics.resource_metrics[0]
            .scope_metrics
            .iter()
            .flat_map(|scope| &scope.metrics);
        assert!(
            names.map(|metric| &metric.name).any(|name| name == "hits"),
            "{metrics:?}"
        );
        let logs = of("/v1/logs").logs();
        let record = &logs.resource_logs[0].scope_logs[0].log_records[0];
        assert!(format!("{:?}", record.body).contains("line"), "{record:?}");
    }
}

#[test]
fn doubles_that_are_no_numbers_are_the_strings_of_protojson() {
    let collector = Collector::start();
    let telemetry = telemetry_pipeline::Config::new("shop")
        .with_environment([
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url().as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_LOGS_EXPORTER", "none"),
        ])
        .with_log_sink(|_| {})
        .build()
        .unwrap();
    let tracer = tracer(&telemetry);
    let attributes = || {
        let all = vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.5];
        vec![
            KeyValue::new("nan", f64::NAN),
            KeyValue::new(
                "all",
                telemetry_api::opentelemetry::Value::Array(Array::F64(all)),
            ),
        ]
    };
    let cx = tracer.start(&Default::default(), "json", SpanKind::Client, attributes);
    cx.span()
        .add_event("event", vec![KeyValue::new("double", f64::INFINITY)]);
    cx.span().end();
    let scope = InstrumentationScope::builder("test").build();
    let meter = telemetry.providers().meter(scope);
    // The SDK takes no infinity, but two finite values can have an infinite sum.
    let histogram = meter.f64_histogram("histogram").build();
    histogram.record(f64::MAX, &[]);
    histogram.record(f64::MAX, &[]);
    assert_eq!(telemetry.force_flush(), Ok(()));

    let received = collector.received();
    let json = |path: &str| -> Value {
        let one = received.iter().find(|one| one.path == path).unwrap();
        let text = std::str::from_utf8(&one.body).unwrap();
        assert!(
            !text.contains("\"doubleValue\":null") && !text.contains("\"asDouble\":null"),
            "{text}"
        );
        serde_json::from_str(text).unwrap()
    };
    let traces = json("/v1/traces");
    let span = &traces["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(span["attributes"][0]["value"]["doubleValue"], "NaN");
    let all = span["attributes"][1]["value"]["arrayValue"]["values"]
        .as_array()
        .unwrap();
    let all: Vec<_> = all.iter().map(|one| one["doubleValue"].clone()).collect();
    assert_eq!(
        all,
        [
            Value::from("NaN"),
            "Infinity".into(),
            "-Infinity".into(),
            (-0.5).into()
        ]
    );
    assert_eq!(
        span["events"][0]["attributes"][0]["value"]["doubleValue"],
        "Infinity"
    );
    let metrics = json("/v1/metrics");
    let scopes = metrics["resourceMetrics"][0]["scopeMetrics"]
        .as_array()
        .unwrap();
    let scope = scopes
        .iter()
        .find(|one| one["scope"]["name"] == "test")
        .unwrap();
    let point = &scope["metrics"][0]["histogram"]["dataPoints"][0];
    assert_eq!(point["sum"], "Infinity");
    assert_eq!(point["max"], f64::MAX);
    // Names of resource and scope are of the same conventions.
    let schema = &metrics["resourceMetrics"][0]["schemaUrl"];
    assert!(
        schema
            .as_str()
            .unwrap()
            .starts_with("https://opentelemetry.io/schemas/1.")
    );
    assert!(
        scopes.iter().all(|scope| scope["schemaUrl"] == *schema),
        "{scopes:?}"
    );
    assert_eq!(
        traces["resourceSpans"][0]["scopeSpans"][0]["schemaUrl"],
        *schema
    );
}
