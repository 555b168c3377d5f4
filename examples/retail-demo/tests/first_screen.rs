//! The program itself, as a person at a terminal and a script see it.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper of a test may fail it"
)]

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_retail-demo");

/// The command without the settings of the machine that would change the outcome.
fn clean(program: &str) -> Command {
    let mut command = Command::new(program);
    for name in ["CI", "COLUMNS", "NO_COLOR", "TELEMETRY_LOG_FORMAT"] {
        command.env_remove(name);
    }
    command.env("TERM", "xterm");
    let directory = Path::new(PROGRAM).parent().unwrap();
    let programs = [
        "telemetry-viewer",
        "retail-api",
        "retail-worker",
        "retail-web",
    ];
    if programs.iter().all(|name| directory.join(name).is_file()) {
        // They are built: the demo need not ask cargo, which other tests may be waiting for.
        command.env_remove("CARGO");
    }
    command.stdin(Stdio::null());
    command
}

/// The demo with its output in a pipe.
fn piped(arguments: &[&str]) -> Command {
    let mut command = clean(PROGRAM);
    command.args(arguments);
    command
}

/// The demo on a terminal of so many columns.
fn on_terminal(columns: usize, arguments: &str) -> Command {
    let mut command = clean("script");
    let run = format!("stty cols {columns} rows 50; exec '{PROGRAM}' {arguments}");
    command.args(["--quiet", "--return", "--command", &run, "/dev/null"]);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\r', "")
}

/// Everything it said, if it ended well.
fn said(output: &Output) -> String {
    let all = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success(), "{}: {all}", output.status);
    all
}

/// The report without the lines of progress.
fn report(all: &str) -> Vec<&str> {
    let lines = all
        .lines()
        .skip_while(|line| !line.contains("have arrived"));
    lines.skip(1).skip_while(|line| line.is_empty()).collect()
}

fn plain(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| {
        plain + part.split_once('m').map_or(part, |(_, text)| text)
    })
}

#[test]
fn the_first_screen_fits_a_terminal_and_tells_the_story() {
    for columns in [80, 120] {
        let painted = said(&on_terminal(columns, "--exit").output().unwrap());
        assert!(
            painted.contains("\u{1b}["),
            "no colour on a terminal: {painted}"
        );
        let all = plain(&painted);
        for line in all.lines() {
            assert!(line.chars().count() <= columns, "{columns} columns: {line}");
        }
        let report = report(&all);
        assert!(
            (20..=30).contains(&report.len()),
            "{} lines: {all}",
            report.len()
        );
        let report = report.join("\n");
        for part in [
            "POST /checkout/execute",
            "answered in",
            "where the time went: ",
            "█",
            "process order-confirm",
            "all 26 spans",
            "One that failed: 502",
            "POST /payment/charge [retail-api] SERVER: error 500",
            "ERROR [retail-api] payment gateway unavailable",
            "/logs?id=",
            "SERVICE     ROUTE",
            "/routes",
            "cargo run -p retail-demo -- --keep-running",
        ] {
            assert!(report.contains(part), "{part} is missing in {report}");
        }
        let rows = report.lines().filter(|line| line.starts_with("retail-"));
        assert_eq!(rows.count(), 4, "{report}");
    }
}

#[test]
fn progress_tells_each_program_and_each_checkout() {
    let output = piped(&[]).output().unwrap();
    said(&output);
    let progress = text(&output.stderr);
    for part in [
        "telemetry-viewer is ready: http://127.0.0.1:",
        "retail-api is ready: http://127.0.0.1:",
        "retail-worker is started",
        "retail-web is ready: http://127.0.0.1:",
        "card declined",
        "payment gateway down",
    ] {
        assert!(progress.contains(part), "{part} is missing in {progress}");
    }
    let visits = progress.lines().filter(|line| line.contains(" after "));
    assert!(visits.count() >= 13, "{progress}");
    assert!(!text(&output.stdout).contains('\u{1b}'));
}

#[test]
fn the_whole_report_fits_a_narrow_terminal() {
    let mut command = on_terminal(80, "--exit --full");
    command.env("NO_COLOR", "1");
    let all = said(&command.output().unwrap());
    assert!(!all.contains('\u{1b}'), "colour against NO_COLOR: {all}");
    for line in all.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    for part in [
        "Three that failed",
        "/orders",
        "retail_stock",
        "log lines",
        "What to try next",
    ] {
        assert!(all.contains(part), "{part} is missing in {all}");
    }
}

#[test]
fn two_demos_at_once_both_succeed_on_ports_of_their_own() {
    let start = || {
        let mut command = piped(&[]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let addresses = [start(), start(), start()].map(|demo| {
        let output = demo.wait_with_output().unwrap();
        said(&output);
        let progress = text(&output.stderr);
        let ready = progress.lines().filter(|line| line.contains(" is ready: "));
        ready.map(str::to_owned).collect::<Vec<_>>()
    });
    for (at, own) in addresses.iter().enumerate() {
        assert_eq!(own.len(), 3, "{own:?}");
        for other in &addresses[at + 1..] {
            assert!(
                own.iter().all(|line| !other.contains(line)),
                "{addresses:?}"
            );
        }
    }
}

#[test]
fn a_log_format_of_the_users_does_not_hold_it_up() {
    let mut command = piped(&[]);
    let output = command.env("TELEMETRY_LOG_FORMAT", "readable").output();
    said(&output.unwrap());
}

#[test]
fn on_a_terminal_it_runs_until_it_is_told_to_end_and_its_addresses_answer() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("said");
    let mut command = on_terminal(100, "");
    command.stdout(std::fs::File::create(&file).unwrap());
    let mut demo = command.spawn().unwrap();
    let limit = Instant::now() + Duration::from_secs(60);
    let all = loop {
        let all = plain(&text(&std::fs::read(&file).unwrap()));
        if all.contains("All runs until Ctrl-C") {
            break all;
        }
        assert!(demo.try_wait().unwrap().is_none(), "it has ended: {all}");
        assert!(Instant::now() < limit, "{all}");
        std::thread::sleep(Duration::from_millis(50));
    };
    let report = report(&all).join(" ");
    let addresses: Vec<&str> = report
        .split_whitespace()
        .filter(|word| word.starts_with("http://"))
        .collect();
    assert_eq!(addresses.len(), 4, "{report}");
    for address in addresses {
        let status = status(address);
        assert!(status.contains(" 200 "), "{address}: {status}");
    }
    assert!(demo.try_wait().unwrap().is_none(), "it has ended: {all}");
    interrupt(demo.id());
    let ended = demo.wait().unwrap();
    assert!(ended.success(), "{ended}");
}

/// The first line of the answer.
fn status(address: &str) -> String {
    use std::io::{Read, Write};
    let (host, path) = address
        .trim_start_matches("http://")
        .split_once('/')
        .expect("a path");
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    text(&answer).lines().next().unwrap_or_default().to_owned()
}

/// Ctrl-C for the program that the terminal runs.
fn interrupt(terminal: u32) {
    let children = format!("/proc/{terminal}/task/{terminal}/children");
    let children = std::fs::read_to_string(children).unwrap();
    let child = children.split_whitespace().next().expect("a child");
    let pid = rustix::process::Pid::from_raw(child.parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
}
