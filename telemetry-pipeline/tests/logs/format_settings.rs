//! The format of a line, by settings.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use telemetry_api::opentelemetry::{
    InstrumentationScope,
    trace::{SpanKind, TraceContextExt},
};
use telemetry_pipeline::LogFormat;

use crate::config;

/// A line in a span, the span's trace id, and the warnings.
fn line(vars: &[(&str, &str)], code: Option<LogFormat>) -> (Value, String, Vec<String>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = lines.clone();
    let mut config =
        config(vars).with_log_sink(move |line| sink.lock().unwrap().push(line.to_owned()));
    if let Some(format) = code {
        config = config.with_log_format(format);
    }
    let telemetry = config.build().unwrap();
    let scope = InstrumentationScope::builder("test").build();
    let tracer = telemetry.providers().tracer(scope);
    let cx = tracer.start(&Default::default(), "request", SpanKind::Server, Vec::new);
    let trace = cx.span().span_context().trace_id().to_string();
    let _request = cx.attach();
    tracing::dispatcher::with_default(telemetry.dispatch(), || tracing::info!("hello"));
    let line = serde_json::from_str(&lines.lock().unwrap()[0]).unwrap();
    (line, trace, telemetry.warnings().to_vec())
}

const TRACE: &str = "logging.googleapis.com/trace";

#[test]
fn google_clouds_project_is_the_resources_or_the_settings() {
    let gcp = ("TELEMETRY_LOG_FORMAT", "gcp");
    let project = ("GOOGLE_CLOUD_PROJECT", "shop-1");
    let (plain, trace, _) = line(&[gcp], None);
    assert_eq!(
        (&plain["trace_id"], plain.get(TRACE)),
        (&trace.into(), None)
    );
    let (set, trace, _) = line(&[gcp, project], None);
    assert_eq!(set[TRACE], format!("projects/shop-1/traces/{trace}"));
    let run = [
        ("K_SERVICE", "shop"),
        ("K_REVISION", "1"),
        ("K_CONFIGURATION", "shop"),
    ];
    let (detected, trace, _) = line(&[&[gcp, project], run.as_slice()].concat(), None);
    assert_eq!(detected[TRACE], format!("projects/shop-1/traces/{trace}"));
    let told = (
        "OTEL_RESOURCE_ATTRIBUTES",
        "cloud.provider=gcp,cloud.account.id=traces-1",
    );
    let (told, trace, _) = line(&[gcp, project, told], None);
    assert_eq!(told[TRACE], format!("projects/traces-1/traces/{trace}"));
}

#[test]
fn code_beats_the_setting_and_a_format_that_is_none_is_a_warning() {
    let (aws, trace, _) = line(&[("TELEMETRY_LOG_FORMAT", "gcp")], Some(LogFormat::Aws));
    let xray = format!("1-{}-{}", &trace[..8], &trace[8..]);
    assert_eq!(aws["xray_trace_id"], xray);
    // Under test, standard output may be a terminal; the warning is what counts.
    let (_, _, warnings) = line(&[("TELEMETRY_LOG_FORMAT", "xml")], Some(LogFormat::Json));
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("TELEMETRY_LOG_FORMAT=\"xml\"")),
        "{warnings:?}"
    );
}
