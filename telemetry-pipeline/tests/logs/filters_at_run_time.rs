//! The two filters at run time.

use std::sync::{Arc, Mutex};

use telemetry_pipeline::{Config, LogFormat, Telemetry};

/// Spans and log lines to the same lines: `{"name":…}` and `{"message":…}`.
fn telemetry(vars: &[(&'static str, &'static str)]) -> (Telemetry, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = lines.clone();
    let mut all = vec![
        ("OTEL_TRACES_EXPORTER", "console"),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "none"),
    ];
    all.extend(vars);
    let telemetry = Config::new("shop")
        .with_environment(all)
        .with_log_format(LogFormat::Json)
        .with_log_sink(move |line| sink.lock().unwrap().push(line.to_owned()))
        .build()
        .unwrap();
    (telemetry, lines)
}

/// The names of the emitted spans and lines that come out.
fn emitted(telemetry: &Telemetry, lines: &Mutex<Vec<String>>) -> Vec<&'static str> {
    lines.lock().unwrap().clear();
    let _providers = telemetry.providers().set_default();
    tracing::dispatcher::with_default(telemetry.dispatch(), || {
        tracing::info_span!("an-info-span").in_scope(|| {});
        tracing::debug_span!("a-debug-span").in_scope(|| {});
        tracing::info_span!(target: "hyper::proto", "a-transport-span").in_scope(|| {});
        tracing::warn!("a-warning");
        tracing::info!("an-info");
        tracing::debug!("a-debug");
        tracing::info!(target: "telemetry", "an-own-info");
        let step = telemetry_api::step("a-step").run(async { Ok::<_, std::fmt::Error>(()) });
        let mut step = std::pin::pin!(step);
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(step.as_mut().poll(&mut cx).is_ready());
    });
    let mut lines = lines.lock().unwrap().clone();
    // The step has a line with its name.
    lines.retain(|line| !line.contains("\"target\":\"telemetry_core::step\""));
    [
        "an-info-span",
        "a-debug-span",
        "a-transport-span",
        "a-step",
        "a-warning",
        "an-info",
        "a-debug",
        "an-own-info",
    ]
    .into_iter()
    .filter(|name| {
        let name = format!("\"{name}\"");
        let count = lines.iter().filter(|line| line.contains(&name)).count();
        assert!(count <= 1, "{name} {count}");
        count == 1
    })
    .collect()
}

const SPANS: [&str; 2] = ["an-info-span", "a-step"];

#[test]
fn the_log_filter_leaves_spans_alone() {
    for (filter, expected) in [
        ("off", [].as_slice()),
        ("warn", &["a-warning"]),
        ("info", &["a-warning", "an-info", "an-own-info"]),
        ("trace", &["a-warning", "an-info", "a-debug", "an-own-info"]),
    ] {
        for span_fields in ["false", "true"] {
            let (telemetry, lines) = telemetry(&[
                ("RUST_LOG", filter),
                ("TELEMETRY_LOG_SPAN_FIELDS", span_fields),
            ]);
            assert_eq!(
                emitted(&telemetry, &lines),
                [&SPANS, expected].concat(),
                "{filter}"
            );
        }
    }
}

#[test]
fn both_filters_change_while_the_process_runs() {
    let (telemetry, lines) = telemetry(&[("RUST_LOG", "warn")]);
    let filters = telemetry.filters().clone();
    assert_eq!(
        emitted(&telemetry, &lines),
        ["an-info-span", "a-step", "a-warning"]
    );
    filters.set_logs("debug").unwrap();
    assert_eq!(
        emitted(&telemetry, &lines),
        [
            "an-info-span",
            "a-step",
            "a-warning",
            "an-info",
            "a-debug",
            "an-own-info"
        ]
    );
    filters.set_spans("trace").unwrap();
    filters.set_logs("off").unwrap();
    assert_eq!(
        emitted(&telemetry, &lines),
        ["an-info-span", "a-debug-span", "a-step"]
    );
    filters.set_spans("off").unwrap();
    filters.set_logs("warn").unwrap();
    assert_eq!(emitted(&telemetry, &lines), ["a-step", "a-warning"]);

    let error = filters.set_logs("warn,shop=loud").unwrap_err();
    assert_eq!((error.which, error.stays.as_str()), ("log", "warn"));
    assert!(filters.set_spans("shop=loud").is_err());
    assert_eq!(emitted(&telemetry, &lines), ["a-step", "a-warning"]);
}

#[test]
fn the_level_of_our_own_lines_outlives_a_change() {
    let (telemetry, lines) = telemetry(&[("OTEL_LOG_LEVEL", "warn")]);
    assert!(!emitted(&telemetry, &lines).contains(&"an-own-info"));
    telemetry.filters().set_logs("trace").unwrap();
    let emitted = emitted(&telemetry, &lines);
    assert!(emitted.contains(&"a-debug") && !emitted.contains(&"an-own-info"));
}

#[test]
fn a_filter_changes_within_a_span_that_a_directive_names() {
    let (telemetry, lines) = telemetry(&[("RUST_LOG", "warn,[request]=debug")]);
    tracing::dispatcher::with_default(telemetry.dispatch(), || {
        tracing::info_span!("request").in_scope(|| {
            tracing::debug!("named");
            telemetry.filters().set_logs("warn").unwrap();
            tracing::debug!("no longer");
        });
        telemetry
            .filters()
            .set_logs("warn,[request]=debug")
            .unwrap();
        tracing::info_span!("request").in_scope(|| tracing::debug!("named again"));
        tracing::debug!("outside");
    });
    let lines = lines.lock().unwrap().concat();
    assert!(
        lines.contains("\"named\"") && lines.contains("named again"),
        "{lines}"
    );
    assert!(
        !lines.contains("no longer") && !lines.contains("outside"),
        "{lines}"
    );
}

#[test]
fn a_word_that_was_meant_to_be_a_level_is_one_warning_and_mutes_nothing() {
    for (word, meant) in [
        ("true", "info"),
        ("1", "info"),
        ("debgu", "debug"),
        ("info;debug", "commas"),
    ] {
        for name in ["RUST_LOG", "TELEMETRY_SPAN_FILTER"] {
            let (telemetry, lines) = telemetry(&[(name, word)]);
            let warnings = telemetry.warnings();
            assert_eq!(warnings.len(), 1, "{warnings:?}");
            assert!(
                warnings[0].contains(&format!("{word:?}")) && warnings[0].contains(meant),
                "{warnings:?}"
            );
            assert_eq!(telemetry.filters().logs(), "info");
            let expected = [&SPANS[..], &["a-warning", "an-info", "an-own-info"]].concat();
            assert_eq!(emitted(&telemetry, &lines), expected);
        }
    }
}
