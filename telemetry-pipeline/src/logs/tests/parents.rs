//! Events that name their parent.

use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::*;
use crate::testing::TestTelemetry;

/// The trace and span ids of the line and of the record that are last.
fn ids(telemetry: &TestTelemetry) -> [Option<(String, String)>; 2] {
    let line = object(telemetry.log_lines().last().unwrap());
    let id = |key: &str| Some(line.get(key)?.as_str()?.to_owned());
    let record = telemetry.logs().pop().unwrap();
    let in_record = record.trace_id.zip(record.span_id);
    [
        id("trace_id").zip(id("span_id")),
        in_record.map(|(trace, span)| (trace.to_string(), span.to_string())),
    ]
}

fn of(span: &tracing::Span) -> [Option<(String, String)>; 2] {
    let cx = span.context();
    let span = cx.span().span_context().clone();
    let ids = (span.trace_id().to_string(), span.span_id().to_string());
    [Some(ids.clone()), Some(ids)]
}

#[test]
fn an_event_has_the_ids_of_the_span_that_it_names() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.set_default();
    let named = tracing::info_span!(parent: None, "named");
    let current = tracing::info_span!(parent: None, "current").entered();
    tracing::error!(parent: &named, "of the named one");
    assert_eq!(ids(&telemetry), of(&named));
    tracing::error!(parent: named.id(), "by its id");
    assert_eq!(ids(&telemetry), of(&named));
    tracing::error!("of the current one");
    assert_eq!(ids(&telemetry), of(&current));
    tracing::error!(parent: None, "of none");
    assert_eq!(ids(&telemetry), [None, None]);
}

#[test]
fn a_span_that_is_not_recorded_stands_for_the_one_around_it() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.set_default();
    let outer = tracing::info_span!(parent: None, "outer");
    let quiet = tracing::trace_span!(parent: &outer, "quiet");
    let _current = tracing::info_span!(parent: None, "current").entered();
    tracing::error!(parent: &quiet, "of the quiet one");
    let expected = match quiet.is_disabled() {
        // Then `tracing` knows no span.
        true => [None, None],
        false => of(&outer),
    };
    assert_eq!(ids(&telemetry), expected);
}
