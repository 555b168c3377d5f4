//! A real pipe whose reader stops, goes away, or is a process that ends at once.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use telemetry_pipeline::Telemetry;

use crate::{config, is_program, objects, program};

const LINES: usize = 60_000;

/// Logs more than pipe and queue hold, says so on standard error, goes on when told to, and says what was lost.
#[test]
fn logs_more_than_anyone_takes() {
    if !is_program("standard_output::logs_more_than_anyone_takes") {
        return;
    }
    let telemetry = config(&[]).build().unwrap();
    let mut slowest = Duration::ZERO;
    tracing::dispatcher::with_default(telemetry.dispatch(), || {
        for number in 0..LINES {
            let started = Instant::now();
            tracing::info!(number, "line");
            slowest = slowest.max(started.elapsed());
        }
    });
    writeln!(std::io::stderr(), "slowest {}", slowest.as_millis()).unwrap();
    let mut go = String::new();
    std::io::stdin().read_line(&mut go).unwrap();
    let lost = telemetry.force_flush().unwrap_err().losses[0].items();
    let blocked = counted(&telemetry, "blocked");
    tracing::dispatcher::with_default(telemetry.dispatch(), || {
        tracing::info!(lost, blocked, "after");
    });
    drop(telemetry);
    std::process::exit(0);
}

/// The lines that standard output did not take, as `/metrics` counts them.
fn counted(telemetry: &Telemetry, error_type: &str) -> Option<u64> {
    let text = telemetry.providers().scrape(Default::default())?;
    let labels = [
        "otel_component_type=\"stdout_log_writer\"",
        &format!("error_type=\"{error_type}\""),
    ];
    let line = text.lines().find(|line| {
        line.starts_with("otel_sdk_processor_log_processed_total{")
            && labels.iter().all(|label| line.contains(label))
    })?;
    let (_, count) = line.rsplit_once(' ')?;
    count.parse().ok()
}

fn signal(signal: &str, process: u32) {
    let status = Command::new("kill")
        .args([signal, &process.to_string()])
        .status();
    assert!(status.unwrap().success());
}

#[test]
fn while_the_reader_of_a_pipe_is_stopped_logging_goes_on_and_what_is_lost_is_told_exactly() {
    // The reader is a process, stopped before the first line.
    let mut reader = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    signal("-STOP", reader.id());
    let mut logging = program("standard_output::logs_more_than_anyone_takes")
        .stdin(Stdio::piped())
        .stdout(reader.stdin.take().unwrap())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(logging.stderr.take().unwrap());
    let mut slowest = String::new();
    while !slowest.starts_with("slowest") {
        slowest.clear();
        said.read_line(&mut slowest).unwrap();
    }
    let slowest: u64 = slowest.trim()["slowest ".len()..].parse().unwrap();
    assert!(slowest < 1000, "a line took {slowest} ms");

    signal("-CONT", reader.id());
    logging.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let output = reader.wait_with_output().unwrap();
    assert!(logging.wait().unwrap().success());
    let lines = objects(&output.stdout);
    let numbers: Vec<_> = lines
        .iter()
        .filter_map(|line| line["number"].as_u64())
        .collect();
    assert!(numbers.is_sorted() && numbers.len() < LINES);
    let lost = LINES - numbers.len();
    let told: Vec<_> = lines
        .iter()
        .filter_map(|line| line["lines"].as_u64())
        .collect();
    assert_eq!(told, [lost as u64], "once, by the line after");
    assert_eq!(
        lines.last().unwrap()["lost"],
        lost,
        "the flush says the same"
    );
    assert_eq!(
        lines.last().unwrap()["blocked"],
        lost,
        "and so does /metrics"
    );
}

#[test]
fn logs_and_exits() {
    if !is_program("standard_output::logs_and_exits") {
        return;
    }
    let telemetry = config(&[]).build().unwrap();
    tracing::dispatcher::with_default(telemetry.dispatch(), || {
        // Less than a pipe holds.
        for number in 0..200 {
            tracing::info!(number, "line");
        }
        tracing::error!("cannot go on");
    });
    // Neither flush nor shutdown.
    match std::env::var("HOW").as_deref() {
        Ok("abort") => std::process::abort(),
        _ => std::process::exit(1),
    }
}

#[test]
fn a_process_that_exits_or_aborts_at_once_has_written_its_lines() {
    for how in ["exit", "abort"] {
        let output = program("standard_output::logs_and_exits")
            .env("HOW", how)
            .output()
            .unwrap();
        assert!(!output.status.success());
        let lines = objects(&output.stdout);
        assert_eq!(lines.len(), 201, "{how}");
        assert_eq!(lines[200]["message"], "cannot go on");
    }
}

#[test]
fn logs_to_nobody() {
    if !is_program("standard_output::logs_to_nobody") {
        return;
    }
    let telemetry = config(&[]).build().unwrap();
    writeln!(std::io::stderr(), "running").unwrap();
    // The reader is gone when this comes.
    let mut go = String::new();
    std::io::stdin().read_line(&mut go).unwrap();
    tracing::dispatcher::with_default(telemetry.dispatch(), || {
        for number in 0..1000 {
            tracing::info!(number, "line");
        }
    });
    let failed = counted(&telemetry, "write_failed");
    let error = telemetry.shutdown().unwrap_err();
    writeln!(std::io::stderr(), "counted: {failed:?}, said: {error}").unwrap();
    std::process::exit(0);
}

#[test]
fn a_closed_standard_output_takes_nothing_down_and_is_told_at_shutdown() {
    let mut logging = program("standard_output::logs_to_nobody")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    // Not before the test harness has said what it has to say.
    let mut said = BufReader::new(logging.stderr.take().unwrap());
    let mut running = String::new();
    while running != "running\n" {
        running.clear();
        assert_ne!(said.read_line(&mut running).unwrap(), 0);
    }
    drop(logging.stdout.take());
    logging.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert!(logging.wait().unwrap().success(), "{rest}");
    assert!(
        rest.contains("counted: Some(1000), said: telemetry was not delivered completely: 1000 log lines not accepted (standard output: "),
        "{rest}"
    );
}
