//! The effect of settings on requests, on `/metrics` and on log lines.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use opentelemetry::{
    Array, InstrumentationScope, KeyValue, StringValue, Value,
    trace::{SpanContext, SpanKind, TraceContextExt},
};
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
        trace::v1::ExportTraceServiceRequest,
    },
    common::v1::any_value::Value as ProtoValue,
    metrics::v1::{AggregationTemporality, Metric, metric::Data},
};
use prost::Message;

use super::*;
use crate::Protocol;

/// Answers every request and hands on its path and body.
fn collector() -> (String, mpsc::Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, sender) = (stream.unwrap(), sender.clone());
            std::thread::spawn(move || {
                let mut request = Vec::new();
                let mut chunk = [0; 4096];
                while let Ok(n @ 1..) = stream.read(&mut chunk) {
                    request.extend_from_slice(&chunk[..n]);
                    let Some(end) = request.windows(4).position(|end| end == b"\r\n\r\n") else {
                        continue;
                    };
                    let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
                    let length = head.split("content-length: ").nth(1).unwrap();
                    let length: usize = length.lines().next().unwrap().parse().unwrap();
                    if request.len() >= end + 4 + length {
                        let body = request[end + 4..][..length].to_vec();
                        let path = head.split(' ').nth(1).unwrap().to_owned();
                        request.clear();
                        // Before the answer, after which the test may look for it.
                        let _ = sender.send((path, body));
                        stream
                            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                            .unwrap();
                    }
                }
            });
        }
    });
    (url, receiver)
}

fn received<R: Message + Default>(requests: &mpsc::Receiver<(String, Vec<u8>)>, path: &str) -> R {
    loop {
        let (to, body) = requests.recv_timeout(Duration::from_secs(5)).unwrap();
        if to == path {
            return R::decode(&*body).unwrap();
        }
    }
}

fn span(telemetry: &Telemetry, attributes: Vec<KeyValue>) {
    let tracer = telemetry
        .providers()
        .tracer(InstrumentationScope::builder("test").build());
    let cx = tracer.start(&Default::default(), "work", SpanKind::Internal, || {
        attributes
    });
    cx.span()
        .add_event("happened", vec![KeyValue::new("text", "öäüß")]);
    cx.span().end();
}

#[test]
fn long_values_and_many_attributes_are_cut_in_what_is_sent() {
    let (url, requests) = collector();
    let telemetry = built(
        config(&[
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3"),
            ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "2"),
            ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "2"),
            ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "1"),
        ])
        .with_otlp_endpoint(Protocol::HttpProtobuf, url)
        .with_log_sink(|_| {}),
    );
    let array = Array::String(vec![StringValue::from("öäüß"), StringValue::from("ok")]);
    span(
        &telemetry,
        vec![
            KeyValue::new("text", "öäüß"),
            KeyValue::new("texts", Value::Array(array)),
            KeyValue::new("dropped", 1),
        ],
    );
    tracing::dispatcher::with_default(telemetry.dispatch(), || {
        tracing::info!(
            first = "abcdef",
            second = "abcdef",
            "the message stays whole"
        );
    });
    telemetry.shutdown().unwrap();

    let mut requests: Vec<_> = requests.try_iter().collect();
    requests.sort();
    let logs = ExportLogsServiceRequest::decode(&*requests[0].1).unwrap();
    let record = &logs.resource_logs[0].scope_logs[0].log_records[0];
    let text = |value: &str| Some(ProtoValue::StringValue(value.to_owned()));
    let body = record.body.clone().unwrap();
    assert_eq!(body.value, text("the message stays whole"));
    assert_eq!(
        record.attributes[0].value.clone().unwrap().value,
        text("ab")
    );
    assert_eq!(
        (record.attributes.len(), record.dropped_attributes_count),
        (1, 1)
    );

    let spans = ExportTraceServiceRequest::decode(&*requests[1].1).unwrap();
    let span = &spans.resource_spans[0].scope_spans[0].spans[0];
    let shown = format!("{:?}", span.attributes);
    assert!(
        shown.contains("\"öäü\"") && shown.contains("\"ok\"") && !shown.contains('ß'),
        "{shown}"
    );
    assert_eq!(
        (span.attributes.len(), span.dropped_attributes_count),
        (2, 1)
    );
    assert_eq!(
        span.events[0].attributes[0].value.clone().unwrap().value,
        text("öäü")
    );
}

fn metric<'a>(request: &'a ExportMetricsServiceRequest, name: &str) -> &'a Metric {
    let mut scopes = request.resource_metrics[0].scope_metrics.iter();
    scopes
        .find_map(|scope| scope.metrics.iter().find(|metric| metric.name == name))
        .unwrap()
}

#[test]
fn deltas_are_pushed_while_the_scrape_stays_cumulative() {
    let (url, requests) = collector();
    let telemetry = built(
        quiet(&[
            ("OTEL_METRICS_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta"),
        ])
        .with_otlp_endpoint(Protocol::HttpProtobuf, url),
    );
    let meter = telemetry
        .providers()
        .meter(InstrumentationScope::builder("test").build());
    let counter = meter.u64_counter("orders").build();
    for expected in [2, 3] {
        counter.add(expected, &[]);
        telemetry.force_flush().unwrap();
        let request: ExportMetricsServiceRequest = received(&requests, "/v1/metrics");
        let metric = metric(&request, "orders");
        let Some(Data::Sum(sum)) = &metric.data else {
            panic!("{metric:?}");
        };
        assert_eq!(sum.aggregation_temporality(), AggregationTemporality::Delta);
        let value = sum.data_points[0].value;
        assert!(
            format!("{value:?}").contains(&format!("AsInt({expected})")),
            "{value:?}"
        );
    }
    let text = telemetry.providers().scrape(Default::default()).unwrap();
    assert!(
        text.lines()
            .any(|line| line.starts_with("orders_total{") && line.ends_with(" 5")),
        "{text}"
    );
}

#[test]
fn exponential_histograms_are_pushed_with_the_exemplars_that_the_filter_lets_pass() {
    let (url, requests) = collector();
    let telemetry = built(
        quiet(&[
            ("OTEL_METRICS_EXPORTER", "otlp"),
            ("OTEL_METRICS_EXEMPLAR_FILTER", "always_on"),
            (
                "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
                "base2_exponential_bucket_histogram",
            ),
        ])
        .with_otlp_endpoint(Protocol::HttpProtobuf, url),
    );
    let meter = telemetry
        .providers()
        .meter(InstrumentationScope::builder("test").build());
    let histogram = telemetry
        .providers()
        .duration_histogram(&meter, "took", "", &[1.0]);
    histogram.bind(&[]).record(0.5, &SpanContext::NONE);
    telemetry.force_flush().unwrap();
    let request: ExportMetricsServiceRequest = received(&requests, "/v1/metrics");
    let metric = metric(&request, "took");
    let Some(Data::ExponentialHistogram(histogram)) = &metric.data else {
        panic!("{metric:?}");
    };
    let exemplar = &histogram.data_points[0].exemplars[0];
    assert!(exemplar.trace_id.is_empty() && exemplar.span_id.is_empty());
}

fn captured() -> (Arc<Mutex<String>>, impl Fn(&str) + Send + Sync + 'static) {
    let text = Arc::new(Mutex::new(String::new()));
    let sink = text.clone();
    (text, move |line: &str| sink.lock().unwrap().push_str(line))
}

#[test]
fn the_console_has_spans_as_json_and_metrics_as_text() {
    let (text, sink) = captured();
    let telemetry = built(
        quiet(&[
            ("OTEL_TRACES_EXPORTER", "console"),
            ("OTEL_METRICS_EXPORTER", "console"),
            ("OTEL_LOGS_EXPORTER", "console"),
            ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3"),
        ])
        .with_log_sink(sink),
    );
    span(
        &telemetry,
        vec![KeyValue::new("text", "öäüß"), KeyValue::new("n", 7)],
    );
    let meter = telemetry
        .providers()
        .meter(InstrumentationScope::builder("test").build());
    meter.u64_counter("orders").build().add(2, &[]);
    telemetry.shutdown().unwrap();
    let text = text.lock().unwrap();
    let line = text
        .lines()
        .find(|line| line.contains("\"span\":\"work\""))
        .unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        line["attributes"],
        serde_json::json!({"text": "öäü", "n": 7})
    );
    assert_eq!(line["events"][0]["name"], "happened");
    assert!(text.contains("orders_total{"), "{text}");
}

fn get(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A refused request may end with a reset after the answer.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[test]
fn prometheus_is_served_on_an_address_of_its_own_whatever_clients_do() {
    let port = [
        ("OTEL_METRICS_EXPORTER", "prometheus"),
        ("OTEL_EXPORTER_PROMETHEUS_PORT", "0"),
        ("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1"),
    ];
    let telemetry = built(quiet(&port));
    let address = telemetry.prometheus_address().unwrap();
    let meter = telemetry
        .providers()
        .meter(InstrumentationScope::builder("test").build());
    meter.u64_counter("orders").build().add(2, &[]);
    // Connected and silent, fewer than the bound.
    let _silent: Vec<_> = (0..10)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();

    let answer = get(address, "GET /metrics?x=y HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"),
        "{answer}"
    );
    assert!(answer.contains("orders_total{"), "{answer}");
    let accept = "ACCEPT: application/openmetrics-text";
    let answer = get(
        address,
        &format!("GET /metrics HTTP/1.0\r\n{accept}\r\n\r\n"),
    );
    assert!(answer.ends_with("# EOF\n"), "{answer}");
    let answer = get(address, "HEAD /metrics HTTP/1.1\r\n\r\n");
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
    for (request, status) in [
        ("GET /other HTTP/1.1\r\n\r\n", "404"),
        ("POST /metrics HTTP/1.1\r\n\r\n", "405"),
        ("GET\r\n\r\n", "400"),
        ("GET /metrics\r\n\r\n", "400"),
        (
            &format!("GET /metrics HTTP/1.1\r\nx: {}", "x".repeat(9000)),
            "431",
        ),
    ] {
        let answer = get(address, request);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request:.30}: {answer}"
        );
    }

    let taken = address.port().to_string();
    let second = built(quiet(&[
        port[0],
        port[2],
        ("OTEL_EXPORTER_PROMETHEUS_PORT", &taken),
    ]));
    assert_eq!(second.prometheus_address(), None);
    assert_eq!(second.warnings().len(), 1, "{:?}", second.warnings());
    assert!(second.warnings()[0].contains("OTEL_EXPORTER_PROMETHEUS_PORT"));
    assert_eq!(built(quiet(&[])).prometheus_address(), None);
}

#[test]
fn the_log_level_is_that_of_our_own_lines_only() {
    for (level, expected) in [
        (None, "telemetry warn,telemetry info,shop info,"),
        (Some("error"), "shop info,"),
        (
            Some("debug"),
            "telemetry warn,telemetry info,telemetry debug,shop info,",
        ),
    ] {
        let (text, sink) = captured();
        let mut config = quiet(&[]).with_log_sink(sink);
        if let Some(level) = level {
            config = config.with_setting("OTEL_LOG_LEVEL", level);
        }
        let telemetry = built(config);
        tracing::dispatcher::with_default(telemetry.dispatch(), || {
            tracing::warn!(target: "telemetry", "telemetry warn");
            tracing::info!(target: "telemetry", "telemetry info");
            tracing::debug!(target: "telemetry", "telemetry debug");
            tracing::info!(target: "shop", "shop info");
            tracing::debug!(target: "shop", "shop debug");
        });
        let text = text.lock().unwrap();
        let said: String = [
            "telemetry warn",
            "telemetry info",
            "telemetry debug",
            "shop info",
            "shop debug",
        ]
        .iter()
        .filter(|line| text.contains(*line))
        .map(|line| format!("{line},"))
        .collect();
        assert_eq!(said, expected, "{level:?}");
    }
}
