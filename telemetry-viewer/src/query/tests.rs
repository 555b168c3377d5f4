use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use super::*;

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(any_value::Value::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    }
}

fn span(trace: u8, name: &str, millis: u64, attributes: Vec<KeyValue>) -> Span {
    Span {
        trace_id: vec![trace; 16],
        span_id: vec![trace; 8],
        name: name.to_owned(),
        kind: 2,
        start_time_unix_nano: 1,
        end_time_unix_nano: 1 + millis * 1_000_000,
        attributes,
        ..Span::default()
    }
}

fn store() -> Store {
    let store = Store::default();
    let checkout = vec![
        text("http.route", "/checkout"),
        text("correlation_id", "order-7"),
    ];
    let mut failed = span(
        2,
        "GET /orders",
        50,
        vec![text("db.query.text", "SELECT 1 FROM orders")],
    );
    failed.status = Some(Status {
        code: 2,
        message: "Card declined".to_owned(),
    });
    for (service, span) in [
        ("web", span(1, "POST /checkout", 200, checkout)),
        ("api", failed),
    ] {
        store.add_traces(ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(Resource {
                    attributes: vec![text("service.name", service)],
                    ..Resource::default()
                }),
                scope_spans: vec![ScopeSpans {
                    spans: vec![span],
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            }],
        });
    }
    store
}

/// The first bytes of the ids of the traces found, ascending.
fn found(query: &str) -> Vec<u8> {
    let query: Query = query.parse().unwrap();
    let mut found: Vec<u8> = query
        .run(&store())
        .iter()
        .map(|held| held.trace_id().0[0])
        .collect();
    found.sort_unstable();
    found
}

#[test]
fn each_term_narrows_the_list() {
    for (query, expected) in [
        ("", &[1, 2][..]),
        ("service:web", &[1]),
        ("SERVICE:web", &[]),
        ("service:WEB", &[1]),
        ("status:error", &[2]),
        ("status:ok", &[1]),
        ("route:/checkout", &[1]),
        ("route:orders", &[2]),
        (">100ms", &[1]),
        (">=0.1s", &[1]),
        ("<100ms", &[2]),
        ("http.route=/checkout", &[1]),
        ("service.name=api", &[2]),
        ("http.route=/", &[]),
        ("db:orders", &[2]),
        ("declined", &[2]),
        ("\"card declined\"", &[2]),
        ("\"declined card\"", &[]),
        ("id:order-7", &[1]),
        ("order-7", &[1]),
        ("02020202020202020202020202020202", &[2]),
        ("-service:web", &[2]),
        ("-declined >1ms", &[1]),
        ("service:api status:error orders", &[2]),
        ("https://x", &[]),
    ] {
        assert_eq!(found(query), expected, "{query}");
    }
}

#[test]
fn what_makes_no_sense_is_told() {
    for (query, part) in [
        (">100", "unit"),
        (">fast", "unit"),
        ("status:maybe", "error or ok"),
        ("service:", "value"),
        ("\"open", "quotation mark"),
    ] {
        let error = query.parse::<Query>().unwrap_err().to_string();
        assert!(error.contains(part), "{query}: {error}");
    }
}

#[test]
fn text_is_found_in_any_case_and_at_the_edges() {
    use matches::contains;
    assert!(contains("Card declined", "card"));
    assert!(contains("Card declined", "DECLINED"));
    assert!(contains("abc", ""));
    assert!(!contains("", "a"));
    assert!(!contains("ab", "abc"));
    assert!(contains("aab", "ab"));
}
