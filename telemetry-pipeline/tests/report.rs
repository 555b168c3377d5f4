//! Needs a process of its own, because it installs telemetry.

use std::sync::{Arc, Mutex};

use telemetry_pipeline::{Config, LogFormat};

#[test]
fn install_logs_the_configuration_once_at_debug() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = lines.clone();
    let telemetry = Config::new("shop")
        .with_environment([
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=s3cret"),
            ("RUST_LOG", "telemetry=debug"),
        ])
        .with_log_format(LogFormat::Json)
        .with_log_sink(move |line| sink.lock().unwrap().push(line.to_owned()))
        .bootstrap()
        .unwrap();
    let lines = lines.lock().unwrap();
    let reports: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("OTEL_TRACES_SAMPLER"))
        .collect();
    assert_eq!(reports.len(), 1, "{lines:?}");
    assert!(reports[0].contains("\"level\":\"DEBUG\""), "{lines:?}");
    assert!(
        reports[0].contains("authorization=REDACTED") && !reports[0].contains("s3cret"),
        "{lines:?}"
    );
    for entry in &telemetry.report() {
        assert!(reports[0].contains(entry.name));
    }
}
