//! OTLP spans and log records as plain types. Nothing here can fail: what makes no sense is counted.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1 as otlp_log;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1 as otlp;

use crate::model::{
    Attributes, LogRecord, Span, SpanEvent, SpanId, SpanKind, SpanLink, SpanStatus, TraceId, Value,
    attribute,
};
use crate::text::shortened;

/// Names that many items of a request share are cut here: each item gets a copy, and a request of a
/// few megabytes must not unfold into gigabytes.
pub(super) const MAX_NAME_CHARS: usize = 256;

/// Hands each span of a request to `take`, and returns how many could not be read. Those of one resource share it
/// and follow each other. They come one by one, so that a store within its limits never meets all at once.
pub(super) fn spans(request: ExportTraceServiceRequest, mut take: impl FnMut(Span)) -> u64 {
    let mut malformed = 0;
    for group in request.resource_spans {
        let resource = Arc::new(resource_attributes(group.resource));
        let service = text_attribute(&resource, "service.name");
        for scoped in group.scope_spans {
            let scope = scope_name(scoped.scope);
            for raw in scoped.spans {
                match span(raw, &service, &scope, &resource) {
                    Some(span) => take(span),
                    None => malformed += 1,
                }
            }
        }
    }
    malformed
}

/// Hands each log record of a request to `take`.
pub(super) fn logs(request: ExportLogsServiceRequest, mut take: impl FnMut(LogRecord)) {
    for group in request.resource_logs {
        let resource = Arc::new(resource_attributes(group.resource));
        let service = text_attribute(&resource, "service.name");
        for scoped in group.scope_logs {
            let scope = scope_name(scoped.scope);
            for raw in scoped.log_records {
                take(log_record(raw, &service, &scope, &resource));
            }
        }
    }
}

pub(super) fn resource_attributes(resource: Option<Resource>) -> Attributes {
    attributes(resource.map(|it| it.attributes).unwrap_or_default())
}

pub(super) fn scope_name(scope: Option<InstrumentationScope>) -> String {
    scope.map_or_else(String::new, |it| shortened(&it.name, MAX_NAME_CHARS))
}

pub(super) fn text_attribute(attributes: &Attributes, key: &str) -> String {
    attribute(attributes, key).map_or_else(String::new, |value| {
        shortened(&value.to_string(), MAX_NAME_CHARS)
    })
}

pub(super) fn attributes(pairs: Vec<KeyValue>) -> Attributes {
    let mut attributes: Attributes = pairs
        .into_iter()
        .map(|pair| (pair.key, value(pair.value)))
        .collect();
    // Collecting may keep the allocation of the source, which the byte count does not know about.
    attributes.shrink_to_fit();
    attributes
}

fn value(value: Option<AnyValue>) -> Value {
    match value.and_then(|it| it.value) {
        Some(any_value::Value::StringValue(text)) => Value::Str(text),
        Some(any_value::Value::BoolValue(truth)) => Value::Bool(truth),
        Some(any_value::Value::IntValue(number)) => Value::Int(number),
        Some(any_value::Value::DoubleValue(number)) => Value::Double(number),
        Some(any_value::Value::BytesValue(bytes)) => Value::Bytes(bytes),
        Some(any_value::Value::ArrayValue(list)) => {
            let mut values: Vec<Value> = list
                .values
                .into_iter()
                .map(|it| self::value(Some(it)))
                .collect();
            values.shrink_to_fit();
            Value::Array(values)
        }
        Some(any_value::Value::KvlistValue(list)) => Value::KeyValues(attributes(list.values)),
        // An index into a table that only profiles carry counts as empty here.
        Some(any_value::Value::StringValueStrindex(_)) | None => Value::KeyValues(Vec::new()),
    }
}

fn span(raw: otlp::Span, service: &str, scope: &str, resource: &Arc<Attributes>) -> Option<Span> {
    let kind = match raw.kind() {
        otlp::span::SpanKind::Unspecified => SpanKind::Unspecified,
        otlp::span::SpanKind::Internal => SpanKind::Internal,
        otlp::span::SpanKind::Server => SpanKind::Server,
        otlp::span::SpanKind::Client => SpanKind::Client,
        otlp::span::SpanKind::Producer => SpanKind::Producer,
        otlp::span::SpanKind::Consumer => SpanKind::Consumer,
    };
    let status = raw.status.unwrap_or_default();
    let status = match status.code() {
        otlp::status::StatusCode::Unset => SpanStatus::Unset,
        otlp::status::StatusCode::Ok => SpanStatus::Ok,
        otlp::status::StatusCode::Error => SpanStatus::Error {
            message: status.message,
        },
    };
    let event = |event: otlp::span::Event| SpanEvent {
        time_unix_nanos: event.time_unix_nano,
        name: event.name,
        attributes: attributes(event.attributes),
    };
    let link = |link: otlp::span::Link| {
        Some(SpanLink {
            trace_id: TraceId::from_bytes(&link.trace_id)?,
            span_id: SpanId::from_bytes(&link.span_id)?,
            attributes: attributes(link.attributes),
        })
    };
    let mut events: Vec<_> = raw.events.into_iter().map(event).collect();
    events.shrink_to_fit();
    let mut links: Vec<_> = raw.links.into_iter().filter_map(link).collect();
    links.shrink_to_fit();
    Some(Span {
        service: service.to_owned(),
        trace_id: TraceId::from_bytes(&raw.trace_id)?,
        span_id: SpanId::from_bytes(&raw.span_id)?,
        parent_span_id: SpanId::from_bytes(&raw.parent_span_id),
        name: raw.name,
        kind,
        scope: scope.to_owned(),
        start_unix_nanos: raw.start_time_unix_nano,
        end_unix_nanos: raw.end_time_unix_nano,
        attributes: attributes(raw.attributes),
        events,
        links,
        status,
        flags: raw.flags,
        trace_state: raw.trace_state,
        resource: Arc::clone(resource),
    })
}

fn log_record(
    raw: otlp_log::LogRecord,
    service: &str,
    scope: &str,
    resource: &Arc<Attributes>,
) -> LogRecord {
    let severity = if raw.severity_text.is_empty() {
        severity_name(raw.severity_number).to_owned()
    } else {
        raw.severity_text
    };
    LogRecord {
        service: service.to_owned(),
        scope: scope.to_owned(),
        time_unix_nanos: match raw.time_unix_nano {
            0 => raw.observed_time_unix_nano,
            time => time,
        },
        severity_number: raw.severity_number,
        severity,
        event_name: raw.event_name,
        body: raw.body.map(|body| value(Some(body))),
        attributes: attributes(raw.attributes),
        trace_id: TraceId::from_bytes(&raw.trace_id),
        span_id: SpanId::from_bytes(&raw.span_id),
        resource: Arc::clone(resource),
    }
}

fn severity_name(number: i32) -> &'static str {
    match number {
        1..=4 => "TRACE",
        5..=8 => "DEBUG",
        9..=12 => "INFO",
        13..=16 => "WARN",
        17..=20 => "ERROR",
        21..=24 => "FATAL",
        _ => "",
    }
}
