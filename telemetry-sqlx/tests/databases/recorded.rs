//! The recorded spans, and the recorded metrics as text.

use std::collections::BTreeMap;

use opentelemetry::{Value, trace::SpanKind};
use opentelemetry_sdk::trace::SpanData;
use telemetry_pipeline::testing::TestTelemetry;

/// The client spans, in the order of their ends.
pub(crate) fn statements(telemetry: &TestTelemetry) -> Vec<SpanData> {
    let mut spans = telemetry.spans();
    spans.retain(|span| span.span_kind == SpanKind::Client);
    spans
}

/// The only client span.
#[track_caller]
pub(crate) fn statement(telemetry: &TestTelemetry) -> SpanData {
    let mut spans = statements(telemetry);
    assert_eq!(spans.len(), 1, "{:?}", names(&spans));
    spans.remove(0)
}

pub(crate) fn names(spans: &[SpanData]) -> Vec<&str> {
    spans.iter().map(|span| &*span.name).collect()
}

pub(crate) fn attribute(span: &SpanData, key: &str) -> Option<Value> {
    let all: BTreeMap<_, _> = span
        .attributes
        .iter()
        .map(|kv| (kv.key.as_str(), kv.value.clone()))
        .collect();
    assert_eq!(
        all.len(),
        span.attributes.len(),
        "an attribute twice: {span:?}"
    );
    all.get(key).cloned()
}

pub(crate) fn text(span: &SpanData, key: &str) -> String {
    attribute(span, key)
        .map(|value| value.to_string())
        .unwrap_or_default()
}
