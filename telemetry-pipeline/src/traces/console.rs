//! The console exporter of spans: a line of JSON each, where log lines go. For development: a span is written by the
//! thread that ends it.

use std::time::{Duration, SystemTime};

use opentelemetry::{Array, Context, KeyValue, Value, trace::Status};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};
use serde_json::{Map, Value as Json, json};

use super::processor::Processor;
use crate::{
    logs::LogSink,
    otlp::limits::{AttributeLimits, cut_text},
};

/// Writes each sampled span when it ends.
#[derive(Debug)]
pub(crate) struct ConsoleSpans {
    pub(crate) sink: LogSink,
    pub(crate) limits: AttributeLimits,
}

impl SpanProcessor for ConsoleSpans {
    fn on_start(&self, _span: &mut Span, _cx: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            self.sink.write(&format!("{}\n", self.line(&span)));
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl Processor for ConsoleSpans {}

impl ConsoleSpans {
    fn line(&self, span: &SpanData) -> Json {
        let duration = span.end_time.duration_since(span.start_time);
        let mut line = json!({
            "span": span.name,
            "kind": format!("{:?}", span.span_kind),
            "trace_id": span.span_context.trace_id().to_string(),
            "span_id": span.span_context.span_id().to_string(),
            "start": time(span.start_time),
            "duration_ms": duration.unwrap_or_default().as_secs_f64() * 1e3,
            "scope": span.instrumentation_scope.name(),
            "attributes": self.attributes(&span.attributes),
        });
        let mut add = |key: &str, value: Json| {
            if let Some(members) = line.as_object_mut() {
                members.insert(key.to_owned(), value);
            }
        };
        if span.parent_span_id != opentelemetry::trace::SpanId::INVALID {
            add("parent_span_id", json!(span.parent_span_id.to_string()));
        }
        match &span.status {
            Status::Unset => {}
            Status::Ok => add("status", json!("ok")),
            Status::Error { description } => {
                add("status", json!("error"));
                add("status_description", json!(description));
            }
        }
        let events = span.events.iter().map(|event| {
            json!({
                "name": event.name,
                "time": time(event.timestamp),
                "attributes": self.attributes(&event.attributes),
            })
        });
        let events: Vec<_> = events.collect();
        if !events.is_empty() {
            add("events", json!(events));
        }
        let links = span.links.iter().map(|link| {
            json!({
                "trace_id": link.span_context.trace_id().to_string(),
                "span_id": link.span_context.span_id().to_string(),
                "attributes": self.attributes(&link.attributes),
            })
        });
        let links: Vec<_> = links.collect();
        if !links.is_empty() {
            add("links", json!(links));
        }
        line
    }

    fn attributes(&self, attributes: &[KeyValue]) -> Map<String, Json> {
        let members = attributes
            .iter()
            .map(|kv| (kv.key.to_string(), self.value(&kv.value)));
        members.collect()
    }

    fn value(&self, value: &Value) -> Json {
        match value {
            Value::Bool(value) => json!(value),
            Value::I64(value) => json!(value),
            Value::F64(value) => json!(value),
            Value::Array(Array::Bool(values)) => json!(values),
            Value::Array(Array::I64(values)) => json!(values),
            Value::Array(Array::F64(values)) => json!(values),
            Value::Array(Array::String(values)) => values
                .iter()
                .map(|value| self.text(value.as_str()))
                .collect(),
            other => self.text(&other.as_str()),
        }
    }

    fn text(&self, text: &str) -> Json {
        let mut text = text.to_owned();
        if let Some(limit) = self.limits.value_length {
            cut_text(&mut text, limit);
        }
        Json::String(text)
    }
}

fn time(time: SystemTime) -> String {
    humantime::format_rfc3339_micros(time).to_string()
}
