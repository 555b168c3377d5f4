//! Settings of adapters: in the report as soon as they are registered, with values from the same places as others. They are
//! registered for the process, so one test in a process of its own.

#![allow(clippy::unwrap_used)]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use telemetry_api::instrument::{
    providers::LazySetting,
    settings::{Setting, parse, register},
};
use telemetry_pipeline::{Config, Source};

static SLOW: Setting<Duration> = Setting::new(
    "OTEL_INSTRUMENTATION_SHOP_SLOW",
    "250",
    parse::millis,
    "work that takes longer is logged",
)
.unit("ms");

static COMMENTS: Setting<bool> = Setting::new(
    "OTEL_INSTRUMENTATION_SHOP_COMMENTS",
    "false",
    parse::flag,
    "`true`: comments",
);

#[test]
fn settings_of_adapters_come_from_the_same_places_and_are_in_the_report() {
    let lines = Arc::new(Mutex::new(String::new()));
    let sink = lines.clone();
    let telemetry = Config::new("shop")
        .with_environment([
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
            ("OTEL_INSTRUMENTATION_SHOP_SLOW", "soon"),
        ])
        .with_setting("OTEL_INSTRUMENTATION_SHOP_COMMENTS", "true")
        .with_setting("OTEL_INSTRUMENTATION_SHOP_COMMENT", "true")
        .with_log_sink(move |line| sink.lock().unwrap().push_str(line))
        .build()
        .unwrap();
    assert_eq!(telemetry.warnings(), [""; 0]);
    let name = SLOW.name();
    assert!(telemetry.report().get(name).is_none());

    tracing::dispatcher::with_default(telemetry.dispatch(), || {
        let providers = telemetry.providers();
        assert_eq!(providers.setting(&SLOW), Duration::from_millis(250));
        assert!(providers.setting(&COMMENTS));
    });
    let mut lazy = LazySetting::new(&COMMENTS);
    assert!(*lazy.get(Some(telemetry.providers())), "code has set it");
    lazy.set(false);
    assert!(
        !lazy.get(Some(telemetry.providers())),
        "the adapter's own method beats it"
    );
    register(&SLOW);
    let report = telemetry.report();
    let entry = report.get(name).unwrap();
    assert_eq!(
        (&*entry.value, entry.unit, &entry.source),
        ("250", "ms", &Source::Default)
    );
    let entry = report.get(COMMENTS.name()).unwrap();
    assert_eq!((&*entry.value, &entry.source), ("true", &Source::Code));
    assert!(
        report
            .to_string()
            .lines()
            .any(|line| line.starts_with(name))
    );

    telemetry.shutdown().unwrap();
    let lines = lines.lock().unwrap();
    for said in [
        "OTEL_INSTRUMENTATION_SHOP_SLOW=\\\"soon\\\" is not valid",
        "\\\"OTEL_INSTRUMENTATION_SHOP_COMMENT\\\", set in code, is no setting of an adapter that ran",
    ] {
        assert_eq!(lines.matches(said).count(), 1, "{lines}");
    }
}
