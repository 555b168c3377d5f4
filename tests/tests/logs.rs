//! Logs end to end: an application's line, its OTLP record and its span, over real HTTP and OTLP.

// Clippy knows test functions, not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;

use axum::{Router, routing::get};
use serde_json::Value;
use telemetry_core::{
    Config, CorrelationId,
    opentelemetry::{InstrumentationScope, trace::SpanKind},
    pipeline::{LogFormat, Protocol},
};
use telemetry_tests::{Running, layer};
use telemetry_viewer::{LogFilter, LogRecord, TraceFilter, Viewer, ViewerOptions};

#[tokio::test(flavor = "multi_thread")]
async fn a_warning_in_a_handler_its_record_and_its_server_span_agree_on_every_id() {
    for (protocol, id) in [
        (Protocol::HttpProtobuf, Some("abc-123")),
        (Protocol::HttpJson, None),
        (Protocol::Grpc, Some("abc-123")),
    ] {
        let viewer = Viewer::start(ViewerOptions::ephemeral()).await.unwrap();
        let endpoint = match protocol {
            Protocol::Grpc => viewer.grpc_endpoint(),
            _ => viewer.http_endpoint(),
        };
        let service = Running::start("shop", protocol, &endpoint, async |telemetry| {
            let handler = async || {
                tracing::warn!(name: "stock.low", sku = "SKU-1", left = 2, "stock is low");
                "ok"
            };
            Ok(Router::new()
                .route("/stock", get(handler))
                .layer(layer(telemetry)))
        })
        .unwrap();
        let url = format!("http://{}/stock", service.address);
        let mut request = reqwest::Client::new().get(url);
        if let Some(id) = id {
            request = request.header("x-correlation-id", id);
        }
        let response = request.send().await.unwrap();
        let answered = response.headers()["x-correlation-id"]
            .to_str()
            .unwrap()
            .to_owned();
        service.telemetry.force_flush().unwrap();

        let [trace] = viewer
            .store()
            .traces(&TraceFilter::default())
            .try_into()
            .unwrap();
        let [span] = trace.spans.as_slice() else {
            panic!("{trace:?}");
        };
        let records = viewer.store().logs(&LogFilter::default());
        let record = records
            .iter()
            .find(|one| one.event_name == "stock.low")
            .unwrap();
        let lines = service.logged();
        let line = lines
            .iter()
            .find(|line| line.contains("stock is low"))
            .unwrap();
        let line: Value = serde_json::from_str(line).unwrap();

        let (trace_id, span_id) = (span.trace_id.to_string(), span.span_id.to_string());
        let correlation_id = id.unwrap_or(&trace_id);
        assert_eq!(
            (&line["trace_id"], &line["span_id"]),
            (&trace_id.as_str().into(), &span_id.as_str().into())
        );
        assert_eq!(
            (record.trace_id, record.span_id),
            (Some(span.trace_id), Some(span.span_id))
        );
        assert_eq!(line["correlation_id"], correlation_id);
        assert_eq!(text(record, "correlation_id"), correlation_id);
        assert_eq!(answered, correlation_id);
        assert_eq!(trace.correlation_id(), correlation_id);

        assert_eq!(
            (record.severity_number, record.severity.as_str()),
            (13, "WARN")
        );
        assert_eq!(record.body.clone().unwrap().to_string(), "stock is low");
        assert_eq!(text(record, "left"), "2");
        assert_eq!(record.scope, "logs");
        // The line and the record are of one moment.
        let time = humantime::parse_rfc3339(line["timestamp"].as_str().unwrap()).unwrap();
        let micros = time
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_micros();
        assert_eq!(u128::from(record.time_unix_nanos / 1000), micros);
    }
}

fn text(record: &LogRecord, key: &str) -> String {
    record.attribute(key).unwrap().to_string()
}

const ROUNDS: usize = 5;

/// Run again by the test below: what the exporter's threads log goes to the subscriber that is installed, and the
/// viewer of the same process would log, too.
#[test]
fn exports_with_every_filter_open() {
    let Ok(endpoint) = std::env::var("LOGS_TEST_ENDPOINT") else {
        return;
    };
    let protocol = match std::env::var("LOGS_TEST_PROTOCOL").as_deref() {
        Ok("grpc") => Protocol::Grpc,
        _ => Protocol::HttpProtobuf,
    };
    let telemetry = Config::new("shop")
        .with_environment([
            ("RUST_LOG", "trace"),
            ("TELEMETRY_SPAN_FILTER", "trace"),
            ("OTEL_METRICS_EXPORTER", "none"),
        ])
        .with_otlp_endpoint(protocol, endpoint)
        .with_log_format(LogFormat::Json)
        .bootstrap()
        .unwrap();
    let scope = InstrumentationScope::builder("test").build();
    let tracer = telemetry.providers().tracer(scope);
    for _ in 0..ROUNDS {
        tracing::trace_span!("a-span").in_scope(|| tracing::trace!("a-line"));
        telemetry.force_flush().unwrap();
    }
    std::thread::spawn(move || {
        let cx = tracer.start(&Default::default(), "a-request", SpanKind::Server, Vec::new);
        let cx = CorrelationId::parse("panicked-1").unwrap().attach_to(&cx);
        let _request = cx.attach();
        panic!("no stock left");
    })
    .join()
    .unwrap_err();
    // Lines that the first exports caused would be sent by the later ones.
    for _ in 0..ROUNDS {
        telemetry.force_flush().unwrap();
    }
    telemetry.shutdown().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn exporting_feeds_nothing_back_and_a_panic_is_a_record() {
    for protocol in ["grpc", "http"] {
        let viewer = Viewer::start(ViewerOptions::ephemeral()).await.unwrap();
        let endpoint = match protocol {
            "grpc" => viewer.grpc_endpoint(),
            _ => viewer.http_endpoint(),
        };
        // By name, so that it is resolved, on threads of its own.
        let endpoint = endpoint.replace("127.0.0.1", "localhost");
        let output = tokio::task::spawn_blocking(move || {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "exports_with_every_filter_open", "--nocapture"])
                .env_remove("RUST_BACKTRACE")
                .env("LOGS_TEST_ENDPOINT", endpoint)
                .env("LOGS_TEST_PROTOCOL", protocol)
                .output()
        });
        let output = output.await.unwrap().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        if protocol == "grpc" {
            assert!(
                lines.contains("\"target\":\"h2::"),
                "the transport did log: {lines}"
            );
        }

        let traces = viewer.store().traces(&TraceFilter::default());
        let mut spans: Vec<_> = traces.iter().flat_map(|trace| &trace.spans).collect();
        spans.sort_by_key(|span| span.start_unix_nanos);
        let names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
        // The request that panicked has ended by being dropped.
        assert_eq!(
            names,
            [&["a-span"; ROUNDS] as &[_], &["a-request"]].concat()
        );

        let mut records = viewer.store().logs(&LogFilter::default());
        // The report that `install` logs comes first.
        records.retain(|record| record.scope != "telemetry");
        let bodies: Vec<_> = records
            .iter()
            .map(|record| record.body.clone().unwrap().to_string())
            .collect();
        assert_eq!(
            bodies,
            [&["a-line"; ROUNDS] as &[_], &["panicked: no stock left"]].concat()
        );
        let panic = records.last().unwrap();
        assert_eq!(
            (panic.event_name.as_str(), panic.severity_number),
            ("exception", 17)
        );
        assert_eq!(text(panic, "exception.type"), "panic");
        assert_eq!(text(panic, "exception.message"), "no stock left");
        assert!(text(panic, "code.file.path").ends_with("tests/logs.rs"));
        assert_eq!(text(panic, "correlation_id"), "panicked-1");
        let request = spans.last().unwrap();
        assert_eq!(
            (panic.trace_id, panic.span_id),
            (Some(request.trace_id), Some(request.span_id))
        );
    }
}
