//! The commands of the program, against a running viewer and against a file.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail it")]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use telemetry_viewer::{Viewer, ViewerOptions};

const CHECKOUT: &str = "0af7651916cd43dd8448eb211c80319c";
const REPORT: &str = "11111111111111111111111111111111";

/// A failed checkout with a log line, and a slower one of the same route.
fn lines() -> String {
    let resource = r#"{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]}"#;
    let span = |trace: &str, id: u8, parent: &str, name: &str, end: u32, more: &str| {
        format!(
            r#"{{"traceId":"{trace}","spanId":"{:016x}","parentSpanId":"{parent}","name":"{name}","kind":2,
"startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000{end:08}0"{more}}}"#,
            id
        )
    };
    let failed = r#","status":{"code":2,"message":"card declined"}"#;
    let id = r#","attributes":[{"key":"correlation_id","value":{"stringValue":"order-7"}}]"#;
    let root = "0000000000000001";
    let spans = [
        span(
            CHECKOUT,
            1,
            "",
            "POST /checkout",
            2_000_000,
            &format!("{failed}{id}"),
        ),
        span(CHECKOUT, 2, root, "charge", 1_000_000, failed),
        span(REPORT, 1, "", "POST /checkout", 6_000_000, ""),
        span(REPORT, 2, root, "retry", 5_000_000, ""),
    ];
    let log = format!(
        r#"{{"timeUnixNano":"1700000000000000000","severityText":"ERROR","body":{{"stringValue":"the bank says no"}},"traceId":"{CHECKOUT}"}}"#
    );
    let traces = format!(
        r#"{{"resourceSpans":[{{"resource":{resource},"scopeSpans":[{{"spans":[{}]}}]}}]}}"#,
        spans.join(",")
    );
    let logs = format!(
        r#"{{"resourceLogs":[{{"resource":{resource},"scopeLogs":[{{"logRecords":[{log}]}}]}}]}}"#
    );
    format!("{}\n\n{logs}\n", traces.replace('\n', ""))
}

/// A file that is gone when the test is.
struct File(PathBuf);

impl File {
    fn new(name: &str, content: &str) -> Self {
        let file = Self(std::env::temp_dir().join(format!("viewer-{}-{name}", std::process::id())));
        std::fs::write(&file.0, content).unwrap();
        file
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_telemetry-viewer"));
    command
        .args(arguments)
        .env_remove("TELEMETRY_VIEWER_URL")
        .env_remove("COLUMNS")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

/// What the program printed, having ended well.
async fn printed(arguments: &[&str]) -> String {
    let output = run(command(arguments)).await;
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

async fn failed(arguments: &[&str]) -> String {
    let output = run(command(arguments)).await;
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn a_file_is_listed_shown_and_compared() {
    let file = File::new("read", &lines());
    let from = file.path();
    let listed = printed(&["traces", "--from", from]).await;
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(
        listed.contains(&format!("{CHECKOUT} ✕ POST /checkout [shop] card declined")),
        "{listed}"
    );
    let listed = printed(&["traces", "--from", from, "--", "-declined", ">30ms"]).await;
    assert_eq!(listed.lines().count(), 1, "{listed}");

    let shown = printed(&["show", "order-7", "--from", from]).await;
    assert!(shown.contains("✕ charge"), "{shown}");
    assert!(shown.contains("the bank says no"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "{shown}");
    assert_eq!(shown, printed(&["show", CHECKOUT, "--from", from]).await);

    let compared = printed(&["diff", CHECKOUT, REPORT, "--from", from]).await;
    assert!(
        compared.contains("new: retry itself takes 50.0ms more"),
        "{compared}"
    );
}

#[tokio::test]
async fn a_line_stays_within_the_columns_there_are() {
    let file = File::new("narrow", &lines());
    for arguments in [["show", CHECKOUT], ["traces", ""]] {
        let mut command = command(&arguments);
        command.args(["--from", file.path()]).env("COLUMNS", "50");
        let output = run(command).await;
        let text = String::from_utf8(output.stdout).unwrap();
        for line in text.lines() {
            assert!(line.chars().count() <= 50, "{line}");
        }
    }
}

#[tokio::test]
async fn what_is_imported_into_a_viewer_is_exported_from_it() {
    let viewer = Viewer::start(ViewerOptions::ephemeral()).await.unwrap();
    let url = viewer.http_endpoint();
    let file = File::new("import", &lines());
    let said = printed(&["import", file.path(), "--to", &url]).await;
    assert_eq!(said, format!("2 lines sent to {url}\n"));
    assert_eq!(viewer.store().counts().spans, 4);
    let listed = printed(&["traces", "status:error", "--from", &url]).await;
    assert!(
        listed.contains(CHECKOUT) && !listed.contains(REPORT),
        "{listed}"
    );

    let exported = printed(&["export", "-", "status:error", "--from", &url]).await;
    assert!(exported.contains("the bank says no"), "{exported}");
    assert!(!exported.contains("retry"), "{exported}");
    let copy = File::new("export", "");
    printed(&["export", copy.path(), "--from", &url]).await;
    let again = printed(&["show", CHECKOUT, "--from", copy.path()]).await;
    assert_eq!(again, printed(&["show", CHECKOUT, "--from", &url]).await);
}

#[tokio::test]
async fn tail_prints_what_arrives_and_not_what_was_there() {
    let viewer = Viewer::start(ViewerOptions::ephemeral()).await.unwrap();
    let store = viewer.store().clone();
    let lines = lines();
    let log = lines.lines().last().unwrap();
    store
        .import_line(&log.replace("the bank", "before: the bank"))
        .unwrap();
    let mut child = command(&["tail", "--from", &viewer.http_endpoint()])
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    let reading = tokio::task::spawn_blocking(move || {
        let lines = BufReader::new(stdout).lines().map(Result::unwrap);
        lines.take(3).collect::<Vec<String>>()
    });
    // It asks first for what is there. What is sent before that counts as there, so it is sent until it is printed.
    while !reading.is_finished() {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        for line in lines.lines().filter(|line| !line.is_empty()) {
            store.import_line(line).unwrap();
        }
    }
    let printed = reading.await.unwrap();
    let _ = child.kill();
    let _ = child.wait();
    let all = printed.join("\n");
    assert!(all.contains("the bank says no"), "{all}");
    assert!(all.contains("POST /checkout"), "{all}");
    assert!(!all.contains("before"), "{all}");
}

#[tokio::test]
async fn what_cannot_be_done_is_said_in_one_line() {
    let file = File::new("bad", "{}\n");
    let good = File::new("good", &lines());
    for (arguments, part) in [
        (&["traces", "--from", "/nowhere/at/all"][..], "cannot read"),
        (
            &["traces", "--from", "http://127.0.0.1:1"],
            "no viewer answers",
        ),
        (&["traces", "--from", file.path()], "line 1"),
        (&["show", "order-8", "--from", good.path()], "no trace has"),
        (&["traces", ">1", "--from", good.path()], "unit"),
        (&["tail", "--from", good.path()], "running viewer"),
        (
            &["import", file.path(), "--to", "http://127.0.0.1:1"],
            "line 1",
        ),
        (
            &["import", good.path(), "--to", "127.0.0.1:4318"],
            "http://",
        ),
        (
            &["export", "/nowhere/at/all", "--from", good.path()],
            "cannot write",
        ),
    ] {
        let message = failed(arguments).await;
        assert!(message.contains(part), "{arguments:?}: {message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}
