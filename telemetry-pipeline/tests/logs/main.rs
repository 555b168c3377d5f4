//! Logs as a process has them: standard output, panics, exits. Each test runs this binary again as the process.

// Clippy knows test functions, not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod ending_threads;
mod filters_at_run_time;
mod format_settings;
mod log_crate;
mod own_sink;
mod panic_lines;
#[cfg(unix)]
mod standard_output;

use std::{
    collections::HashMap,
    process::{Command, Stdio},
};

use telemetry_pipeline::Config;

const PROGRAM: &str = "LOGS_TEST_PROGRAM";

const OFF: [(&str, &str); 3] = [
    ("OTEL_TRACES_EXPORTER", "none"),
    ("OTEL_METRICS_EXPORTER", "none"),
    ("OTEL_LOGS_EXPORTER", "none"),
];

/// Log lines as JSON to the real standard output, and nothing else.
fn config(vars: &[(&str, &str)]) -> Config {
    let mut all = HashMap::from(OFF);
    all.insert("TELEMETRY_LOG_FORMAT", "json");
    all.extend(vars.iter().copied());
    Config::new("shop").with_environment(all)
}

/// This binary, about to run one of its tests, which finds that it is the program. What it writes to standard output
/// goes into a pipe, between what the test harness writes there.
fn program(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(PROGRAM, test)
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Returns whether this test is to be the program now.
fn is_program(test: &str) -> bool {
    std::env::var(PROGRAM).is_ok_and(|program| program == test)
}

/// The lines of JSON in what a program wrote.
fn objects(output: &[u8]) -> Vec<serde_json::Value> {
    let text = String::from_utf8_lossy(output);
    let lines = text
        .lines()
        .filter_map(|line| line.get(line.find("{\"")?..));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
