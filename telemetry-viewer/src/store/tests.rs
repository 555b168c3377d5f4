use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord as OtlpLog, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as OtlpSpan, Status};

use super::*;
use crate::model::MetricPoint;

mod series;

fn attribute(key: &str, value: impl Into<String>) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(any_value::Value::StringValue(value.into())),
        }),
        ..KeyValue::default()
    }
}

fn resource(service: &str) -> Option<Resource> {
    Some(Resource {
        attributes: vec![attribute("service.name", service)],
        ..Resource::default()
    })
}

fn span(trace: u128, id: u64, parent: u64) -> OtlpSpan {
    OtlpSpan {
        trace_id: trace.to_be_bytes().to_vec(),
        span_id: id.to_be_bytes().to_vec(),
        parent_span_id: match parent {
            0 => Vec::new(),
            parent => parent.to_be_bytes().to_vec(),
        },
        name: format!("span {id}"),
        start_time_unix_nano: id,
        end_time_unix_nano: id + 1,
        ..OtlpSpan::default()
    }
}

fn group(service: &str, spans: Vec<OtlpSpan>) -> ResourceSpans {
    ResourceSpans {
        resource: resource(service),
        scope_spans: vec![ScopeSpans {
            scope: Some(InstrumentationScope {
                name: "scope".into(),
                ..InstrumentationScope::default()
            }),
            spans,
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    }
}

fn spans(spans: Vec<OtlpSpan>) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: vec![group("web", spans)],
    }
}

fn logs(records: Vec<OtlpLog>) -> ExportLogsServiceRequest {
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: resource("web"),
            scope_logs: vec![ScopeLogs {
                log_records: records,
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    }
}

fn id(trace: u128) -> TraceId {
    TraceId(trace.to_be_bytes())
}

fn limits(max_spans: usize, max_bytes: usize) -> Limits {
    Limits {
        max_spans,
        max_logs: 10,
        max_series: 10,
        max_bytes,
    }
}

fn bytes(store: &Store) -> usize {
    store.lock().bytes()
}

#[test]
fn spans_of_one_trace_come_together_from_several_requests_and_services_in_any_order() {
    let store = Store::default();
    store.add_traces(ExportTraceServiceRequest {
        resource_spans: vec![
            group("api", vec![span(1, 3, 2)]),
            group("web", vec![span(2, 9, 0), span(1, 2, 1)]),
        ],
    });
    store.add_traces(spans(vec![span(1, 1, 0)]));

    let trace = store.trace(id(1)).unwrap();
    let names: Vec<_> = trace.spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["span 1", "span 2", "span 3"]);
    assert_eq!(trace.services(), ["web", "api"]);
    assert_eq!(trace.root().unwrap().name, "span 1");
    assert_eq!(trace.spans[2].scope, "scope");
    assert_eq!(store.trace(id(2)).unwrap().spans.len(), 1);
    assert!(store.trace(id(3)).is_none());
}

#[test]
fn a_repeated_export_changes_nothing() {
    let store = Store::default();
    let request = spans(vec![span(1, 1, 0), span(1, 2, 1)]);
    store.add_traces(request.clone());
    let before = store.trace(id(1));
    store.add_traces(request);
    assert_eq!(store.trace(id(1)), before);
    assert_eq!(store.lock().traces.spans(), 2);
}

#[test]
fn spans_without_valid_ids_are_refused_and_counted() {
    let store = Store::default();
    let mut short = span(1, 1, 0);
    short.trace_id = vec![1; 15];
    let zero = span(1, 0, 0);
    assert_eq!(store.add_traces(spans(vec![short, zero, span(1, 1, 0)])), 2);
    assert_eq!(store.evicted().refused, 2);
    assert_eq!(store.trace(id(1)).unwrap().spans.len(), 1);
}

#[test]
fn beyond_the_count_whole_oldest_traces_give_way() {
    let store = Store::new(limits(6, 1 << 20));
    for trace in 1..=5 {
        store.add_traces(spans(vec![span(trace, 1, 0), span(trace, 2, 1)]));
    }
    assert!(store.trace(id(1)).is_none() && store.trace(id(2)).is_none());
    for trace in 3..=5 {
        assert_eq!(store.trace(id(trace)).unwrap().spans.len(), 2);
    }
    let evicted = store.evicted();
    assert_eq!((evicted.traces, evicted.spans), (2, 4));
}

#[test]
fn one_endless_trace_takes_at_most_half_and_leaves_the_others() {
    let store = Store::new(limits(100, 1 << 20));
    store.add_traces(spans(vec![span(1, 1, 0)]));
    let refused = store.add_traces(spans((1..=1000).map(|n| span(2, n, 0)).collect()));
    assert_eq!(refused, 950);
    assert!(store.trace(id(1)).is_some());
    assert_eq!(store.trace(id(2)).unwrap().spans.len(), 50);
}

#[test]
fn a_trace_that_still_grows_is_not_the_one_to_go() {
    let store = Store::new(limits(4, 1 << 20));
    store.add_traces(spans(vec![span(1, 1, 0)]));
    store.add_traces(spans(vec![span(2, 1, 0), span(2, 2, 0)]));
    store.add_traces(spans(vec![span(3, 1, 0)]));
    store.add_traces(spans(vec![span(1, 2, 1)]));
    assert_eq!(store.trace(id(1)).unwrap().spans.len(), 2);
    assert!(store.trace(id(2)).is_none());
}

#[test]
fn the_byte_limit_holds_under_a_flood_of_everything() {
    let limit = 200_000;
    let store = Store::new(Limits {
        max_bytes: limit,
        ..Limits::default()
    });
    for round in 1..400_u64 {
        let mut fat = span(u128::from(round), 1, 0);
        fat.attributes = vec![attribute("fat", "x".repeat(5000))];
        fat.links = vec![Default::default(); 50];
        store.add_traces(spans(vec![fat, span(u128::from(round), 2, 1)]));
        store.add_logs(logs(vec![OtlpLog {
            attributes: vec![attribute("", ""); 200],
            ..OtlpLog::default()
        }]));
        store.add_metrics(series::gauge(&format!("{round}"), round, "y".repeat(1000)));
        assert!(bytes(&store) <= limit, "{}", bytes(&store));
    }
    let evicted = store.evicted();
    assert!(evicted.traces > 0 && evicted.logs > 0 && evicted.series > 0);
    assert!(!store.traces(&TraceFilter::default()).is_empty());
    assert!(!store.logs(&LogFilter::default()).is_empty());
    assert!(!store.metrics().is_empty());
}

#[test]
fn a_flood_of_logs_does_not_push_out_traces() {
    let store = Store::new(Limits {
        max_bytes: 100_000,
        ..Limits::default()
    });
    store.add_traces(spans(vec![span(1, 1, 0)]));
    for _ in 0..100 {
        store.add_logs(logs(vec![OtlpLog {
            attributes: vec![attribute("fat", "x".repeat(5000))],
            ..OtlpLog::default()
        }]));
    }
    assert!(store.trace(id(1)).is_some());
}

#[test]
fn what_is_larger_than_half_of_the_limit_is_refused() {
    let store = Store::new(limits(100, 10_000));
    let mut huge = span(1, 1, 0);
    huge.attributes = vec![attribute("huge", "x".repeat(6000))];
    assert_eq!(store.add_traces(spans(vec![huge])), 1);
    assert_eq!(
        store.add_logs(logs(vec![OtlpLog {
            attributes: vec![attribute("huge", "x".repeat(6000))],
            ..OtlpLog::default()
        }])),
        1
    );
    assert_eq!(
        store.add_metrics(series::gauge("m", 1, "x".repeat(6000))),
        1
    );
    assert_eq!(bytes(&store), 0);
    assert_eq!(store.evicted().refused, 3);
}

#[test]
fn a_resource_kept_alive_by_one_span_is_paid_for() {
    let store = Store::new(limits(1000, 100_000));
    for round in 1..=100 {
        let mut fat = group("web", vec![span(7, 1, 0), span(7, round, 0)]);
        fat.resource = Some(Resource {
            attributes: vec![attribute("fat", "x".repeat(10_000))],
            ..Resource::default()
        });
        store.add_traces(ExportTraceServiceRequest {
            resource_spans: vec![fat],
        });
    }
    assert!(bytes(&store) <= 50_000);
    assert!(store.trace(id(7)).unwrap().spans.len() < 6);
}

#[test]
fn a_trace_that_comes_back_after_its_eviction_pays_for_its_resource_again() {
    let store = Store::new(limits(4, 1 << 20));
    let interleaved = vec![span(1, 1, 0), span(2, 1, 0), span(2, 2, 0)];
    let mut fat = group(
        "web",
        [
            interleaved,
            vec![span(3, 1, 0), span(3, 2, 0), span(1, 3, 0)],
        ]
        .concat(),
    );
    fat.resource = Some(Resource {
        attributes: vec![attribute("fat", "x".repeat(100_000))],
        ..Resource::default()
    });
    store.add_traces(ExportTraceServiceRequest {
        resource_spans: vec![fat],
    });
    assert_eq!(store.trace(id(1)).unwrap().spans.len(), 1);
    assert!(bytes(&store) > 200_000, "{}", bytes(&store));
}

#[test]
fn a_long_service_name_is_cut_before_every_span_gets_a_copy() {
    let store = Store::default();
    let name = "s".repeat(1_000_000);
    let many = (1..=10_000).map(|n| span(1, n, 0)).collect();
    store.add_traces(ExportTraceServiceRequest {
        resource_spans: vec![group(&name, many)],
    });
    assert_eq!(
        store.trace(id(1)).unwrap().spans[0].service.chars().count(),
        257
    );
}

#[test]
fn limits_of_zero_keep_nothing() {
    let store = Store::new(Limits {
        max_spans: 0,
        max_logs: 0,
        max_series: 0,
        max_bytes: 0,
    });
    store.add_traces(spans(vec![span(1, 1, 0)]));
    store.add_logs(logs(vec![OtlpLog::default()]));
    store.add_metrics(series::gauge("m", 1, String::new()));
    assert_eq!(bytes(&store), 0);
}

#[test]
fn a_trace_is_found_by_foreign_correlation_id_and_by_its_own_id() {
    let store = Store::default();
    let mut carrier = span(0xab, 2, 1);
    carrier.attributes = vec![attribute("correlation_id", "order-7")];
    store.add_traces(spans(vec![span(0xab, 1, 0), carrier, span(0xcd, 1, 0)]));

    let found = |id: &str| store.traces(&TraceFilter::correlation_id(id));
    assert_eq!(found("order-7").len(), 1);
    assert_eq!(found("order-7")[0].correlation_id(), "order-7");
    assert_eq!(found("000000000000000000000000000000AB").len(), 1);
    let other = &found(&id(0xcd).to_string())[0];
    assert_eq!(other.correlation_id(), id(0xcd).to_string());
    assert!(found("order-8").is_empty());
}

#[test]
fn traces_are_filtered_and_come_newest_first() {
    let store = Store::default();
    let mut failed = span(2, 20, 0);
    failed.status = Some(Status {
        code: 2,
        message: "no".into(),
    });
    store.add_traces(ExportTraceServiceRequest {
        resource_spans: vec![
            group("web", vec![span(1, 30, 0), failed]),
            group("api", vec![span(3, 10, 0)]),
        ],
    });
    let ids = |filter| {
        let traces = store.traces(&filter);
        traces
            .iter()
            .map(|trace| trace.trace_id)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(TraceFilter::default()), [id(1), id(2), id(3)]);
    assert_eq!(ids(TraceFilter::service("api")), [id(3)]);
    let errors = TraceFilter {
        only_errors: true,
        ..TraceFilter::default()
    };
    assert_eq!(ids(errors), [id(2)]);
    let root = TraceFilter {
        root_name: Some("span 30".into()),
        ..TraceFilter::default()
    };
    assert_eq!(ids(root), [id(1)]);
    let limited = TraceFilter {
        limit: Some(2),
        ..TraceFilter::default()
    };
    assert_eq!(ids(limited), [id(1), id(2)]);
}

#[test]
fn logs_are_filtered_come_in_order_of_time_and_the_limit_keeps_the_newest() {
    let store = Store::default();
    let log = |time: u64, trace: u128, correlation: &str| OtlpLog {
        time_unix_nano: time,
        severity_number: 17,
        trace_id: trace.to_be_bytes().to_vec(),
        attributes: vec![attribute("correlation_id", correlation)],
        ..OtlpLog::default()
    };
    store.add_logs(logs(vec![log(3, 1, "a"), log(1, 1, "a"), log(2, 2, "b")]));
    let observed = OtlpLog {
        observed_time_unix_nano: 4,
        ..OtlpLog::default()
    };
    store.add_logs(logs(vec![observed]));

    let times = |filter| {
        let records = store.logs(&filter);
        records
            .iter()
            .map(|it| it.time_unix_nanos)
            .collect::<Vec<_>>()
    };
    assert_eq!(times(LogFilter::default()), [1, 2, 3, 4]);
    assert_eq!(times(LogFilter::trace(id(1))), [1, 3]);
    assert_eq!(times(LogFilter::correlation_id("b")), [2]);
    assert_eq!(times(LogFilter::correlation_id(id(2).to_string())), [2]);
    let newest = LogFilter {
        limit: Some(2),
        service: Some("web".into()),
        ..LogFilter::default()
    };
    assert_eq!(times(newest), [3, 4]);
    assert_eq!(store.logs(&LogFilter::default())[0].severity, "ERROR");
}

#[test]
fn beyond_their_count_the_oldest_logs_give_way() {
    let store = Store::new(limits(10, 1 << 20));
    let log = |time| OtlpLog {
        time_unix_nano: time,
        ..OtlpLog::default()
    };
    store.add_logs(logs((1..=15).map(log).collect()));
    let kept = store.logs(&LogFilter::default());
    assert_eq!((kept.len(), kept[0].time_unix_nanos), (10, 6));
    assert_eq!(store.evicted().logs, 5);
}
