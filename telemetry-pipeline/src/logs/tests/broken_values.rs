//! Values whose formatters fail or panic.

use std::fmt;

use super::*;
use crate::testing::TestTelemetry;

struct Fails;

impl fmt::Display for Fails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("so far")?;
        Err(fmt::Error)
    }
}

impl fmt::Debug for Fails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Fails {}

struct Panics;

impl fmt::Debug for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("so \"far\"")?;
        panic!("while it is formatted")
    }
}

const FAILED: &str = "so far<formatting failed>";
const PANICKED: &str = "so \"far\"<formatting panicked>";

fn log() {
    tracing::info!(display = %Fails, debug = ?Fails, last = 7, "message {}", Fails);
    tracing::info!(panics = ?Panics, last = 8, "message {:?}", Panics);
    let error: &(dyn std::error::Error + 'static) = &Fails;
    tracing::error!(error, last = 9, "an error");
}

#[test]
fn lines_have_the_text_so_far_and_a_mark_and_the_caller_goes_on() {
    for format in [LogFormat::Json, LogFormat::Gcp, LogFormat::Aws] {
        let lines = objects(Logging { format, ..JSON }, log);
        assert_eq!(lines[0]["message"], format!("message {FAILED}"));
        assert_eq!(
            (&lines[0]["display"], &lines[0]["debug"]),
            (&json!(FAILED), &json!(FAILED))
        );
        assert_eq!(lines[1]["message"], format!("message {PANICKED}"));
        assert_eq!(lines[1]["panics"], PANICKED);
        assert_eq!(lines[2]["error"], FAILED);
        for (line, last) in lines.iter().zip([7, 8, 9]) {
            assert_eq!(line["last"], last);
        }
    }
    let readable = lines(LogFormat::Readable, log);
    assert!(
        readable[0].contains(&format!(": message {FAILED} display={FAILED:?} ")),
        "{readable:?}"
    );
    assert!(readable[1].ends_with(" last=8\n"), "{readable:?}");
}

#[test]
fn records_have_them_too() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.set_default();
    log();
    let logs = telemetry.logs();
    assert_eq!(logs[0].message, format!("message {FAILED}"));
    assert_eq!(logs[1].message, format!("message {PANICKED}"));
    assert_eq!(logs[1].field("panics"), Some(&PANICKED.into()));
    assert_eq!(logs[2].field("error"), Some(&FAILED.into()));
}
