use serde_json::{Value as Json, json};

use super::common::{attributes, grouped, nanos};
use crate::model::{Span, SpanKind, SpanStatus};

pub(super) fn request(spans: &[&Span]) -> Json {
    let groups = grouped(
        spans,
        |a, b| a.resource == b.resource,
        |a, b| a.scope == b.scope,
    );
    let resources = groups.into_iter().map(|(of_one, scopes)| {
        let scopes: Vec<Json> = scopes
            .into_iter()
            .map(|spans| {
                let scope = spans.first().map_or("", |span| &span.scope);
                let spans: Vec<Json> = spans.iter().map(|it| span(it)).collect();
                json!({ "scope": { "name": scope }, "spans": spans })
            })
            .collect();
        let resource = of_one.first().map(|span| attributes(&span.resource));
        json!({ "resource": { "attributes": resource }, "scopeSpans": scopes })
    });
    json!({ "resourceSpans": resources.collect::<Vec<Json>>() })
}

fn span(span: &Span) -> Json {
    let events: Vec<Json> = span
        .events
        .iter()
        .map(|event| {
            json!({
                "timeUnixNano": nanos(event.time_unix_nanos),
                "name": event.name,
                "attributes": attributes(&event.attributes),
            })
        })
        .collect();
    let links: Vec<Json> = span
        .links
        .iter()
        .map(|link| {
            json!({
                "traceId": link.trace_id.to_string(),
                "spanId": link.span_id.to_string(),
                "attributes": attributes(&link.attributes),
            })
        })
        .collect();
    let status = match &span.status {
        SpanStatus::Unset => json!({}),
        SpanStatus::Ok => json!({ "code": 1 }),
        SpanStatus::Error { message } => json!({ "code": 2, "message": message }),
    };
    json!({
        "traceId": span.trace_id.to_string(),
        "spanId": span.span_id.to_string(),
        "parentSpanId": span.parent_span_id.map_or_else(String::new, |id| id.to_string()),
        "traceState": span.trace_state,
        "flags": span.flags,
        "name": span.name,
        "kind": kind(span.kind),
        "startTimeUnixNano": nanos(span.start_unix_nanos),
        "endTimeUnixNano": nanos(span.end_unix_nanos),
        "attributes": attributes(&span.attributes),
        "events": events,
        "links": links,
        "status": status,
    })
}

fn kind(kind: SpanKind) -> u8 {
    match kind {
        SpanKind::Unspecified => 0,
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}
