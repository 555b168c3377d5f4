//! A telemetry that is built and dropped without use says so. It says it on standard error, so the test runs itself.

#![allow(clippy::unwrap_used)]

use std::process::Command;

use telemetry_pipeline::{Config, Telemetry};

const CASE: &str = "TELEMETRY_TEST_CASE";

fn telemetry() -> Telemetry {
    let off = [
        "OTEL_TRACES_EXPORTER",
        "OTEL_METRICS_EXPORTER",
        "OTEL_LOGS_EXPORTER",
    ];
    Config::new("shop")
        .with_environment(off.map(|name| (name, "none")))
        .build()
        .unwrap()
}

/// The body of each process; alone it does nothing.
#[test]
fn case() {
    match std::env::var(CASE).as_deref() {
        Ok("built") => drop(telemetry()),
        Ok("installed") => telemetry().install().unwrap(),
        Ok("providers") => drop(telemetry().providers().clone()),
        Ok("dispatch") => drop(telemetry().dispatch().clone()),
        _ => {}
    }
}

#[test]
fn a_telemetry_that_is_dropped_unused_says_so() {
    for (case, lines) in [
        ("built", 1),
        ("installed", 0),
        ("providers", 0),
        ("dispatch", 0),
    ] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "case", "--nocapture"])
            .env(CASE, case)
            .output()
            .unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stderr).unwrap();
        let said = text.lines().filter(|line| line.contains("never installed"));
        assert_eq!(said.count(), lines, "{case}: {text}");
    }
}
