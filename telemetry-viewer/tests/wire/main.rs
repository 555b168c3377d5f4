//! The viewer over real sockets: both protocols in, text, JSON and HTML out.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail it")]

mod figures;
mod grpc;
mod hosts;
mod http;
mod web;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Histogram, HistogramDataPoint, Metric, ResourceMetrics, ScopeMetrics, metric::Data,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use reqwest::Response;
use telemetry_viewer::{StartError, TraceId, Viewer, ViewerOptions};

const TRACE: TraceId = TraceId([0xab; 16]);

async fn viewer() -> Viewer {
    Viewer::start(ViewerOptions::ephemeral()).await.unwrap()
}

async fn get(viewer: &Viewer, path: &str) -> Response {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let url = format!("{}{path}", viewer.http_endpoint());
    client.get(url).send().await.unwrap()
}

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value.into())),
        }),
        ..KeyValue::default()
    }
}

fn resource() -> Option<Resource> {
    Some(Resource {
        attributes: vec![text("service.name", "shop")],
        ..Resource::default()
    })
}

fn span(id: u8, parent: u8, name: &str) -> Span {
    Span {
        trace_id: TRACE.0.to_vec(),
        span_id: vec![id; 8],
        parent_span_id: vec![parent; 8],
        name: name.into(),
        kind: 2,
        start_time_unix_nano: 1_700_000_000_000_000_000 + u64::from(id),
        end_time_unix_nano: 1_700_000_000_005_000_000,
        ..Span::default()
    }
}

fn traces(spans: Vec<Span>) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: resource(),
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

fn checkout() -> ExportTraceServiceRequest {
    let mut root = span(1, 0, "POST /checkout");
    root.attributes = vec![text("correlation_id", "order-7")];
    let mut failed = span(2, 1, "charge <card>");
    failed.status = Some(Status {
        code: 2,
        message: "declined".into(),
    });
    traces(vec![failed, root])
}

fn logs() -> ExportLogsServiceRequest {
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: resource(),
            scope_logs: vec![ScopeLogs {
                log_records: vec![LogRecord {
                    time_unix_nano: 1_700_000_000_000_000_000,
                    severity_number: 17,
                    severity_text: "ERROR".into(),
                    body: text("", "card <declined>").value,
                    trace_id: TRACE.0.to_vec(),
                    ..LogRecord::default()
                }],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    }
}

fn metrics() -> ExportMetricsServiceRequest {
    let point = HistogramDataPoint {
        attributes: vec![
            text("http.request.method", "POST"),
            text("http.route", "/checkout"),
        ],
        start_time_unix_nano: 1_000_000_000,
        time_unix_nano: 11_000_000_000,
        count: 20,
        bucket_counts: vec![10, 10, 0],
        explicit_bounds: vec![0.1, 0.2],
        ..HistogramDataPoint::default()
    };
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: resource(),
            scope_metrics: vec![ScopeMetrics {
                metrics: vec![Metric {
                    name: "http.server.request.duration".into(),
                    unit: "s".into(),
                    data: Some(Data::Histogram(Histogram {
                        data_points: vec![point],
                        aggregation_temporality: 2,
                    })),
                    ..Metric::default()
                }],
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    }
}

#[tokio::test]
async fn an_address_in_use_is_named_with_the_flag_to_change() {
    let first = viewer().await;
    let error = Viewer::start(ViewerOptions {
        grpc: first.grpc_addr(),
        ..ViewerOptions::ephemeral()
    })
    .await
    .unwrap_err();
    assert!(matches!(error, StartError::Grpc { .. }));
    let message = error.to_string();
    assert!(
        message.contains(&first.grpc_addr().to_string()),
        "{message}"
    );
    assert!(message.contains("--grpc"), "{message}");

    let error = Viewer::start(ViewerOptions {
        http: first.http_addr(),
        ..ViewerOptions::ephemeral()
    })
    .await
    .unwrap_err();
    assert!(error.to_string().contains("--http"), "{error}");
}

#[tokio::test]
async fn after_shutdown_both_ports_are_free_and_the_data_is_still_there() {
    let viewer = viewer().await;
    let store = viewer.store().clone();
    let (grpc, http) = (viewer.grpc_addr(), viewer.http_addr());
    store.add_traces(checkout());
    // A connection that stays open must not keep the viewer from stopping.
    assert_eq!(get(&viewer, "/livez").await.status(), 200);
    viewer.shutdown().await;
    std::net::TcpListener::bind(grpc).unwrap();
    std::net::TcpListener::bind(http).unwrap();
    assert!(store.trace(TRACE).is_some());
}
