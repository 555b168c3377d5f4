//! Errors of steps: their causes and types, each recorded once, whatever their texts do.

use std::{error::Error, fmt, io, sync::Arc};

use serde_json::Value;
use telemetry_core::{Verdict, record_error, step, testing::TestTelemetry};

use crate::log::lines;

/// An error with a text and perhaps a cause.
#[derive(Debug)]
struct Caused(&'static str, Option<Box<Caused>>);

impl fmt::Display for Caused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Caused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_deref().map(|cause| cause as &dyn Error)
    }
}

/// An error that is its own cause.
#[derive(Debug)]
struct Cycle;

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("round and round")
    }
}

impl Error for Cycle {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self)
    }
}

/// A text that fails or panics half-way.
#[derive(Debug)]
struct Broken(bool);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half")?;
        if self.0 {
            panic!("a Display that panics");
        }
        Err(fmt::Error)
    }
}

impl Error for Broken {}

fn caused() -> Caused {
    Caused(
        "outer",
        Some(Box::new(Caused(
            "middle",
            Some(Box::new(Caused("root", None))),
        ))),
    )
}

fn refused() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionRefused, "refused")
}

#[step]
fn concrete() -> Result<(), Caused> {
    Err(caused())
}

#[step]
fn shared() -> Result<(), Arc<Caused>> {
    Err(Arc::new(caused()))
}

#[step]
fn anyhowed() -> anyhow::Result<()> {
    Err(anyhow::Error::new(refused())
        .context("middle")
        .context("outer"))
}

#[step]
async fn eyred() -> eyre::Result<()> {
    Err(eyre::Report::new(refused())
        .wrap_err("middle")
        .wrap_err("outer"))
}

#[step]
fn boxed() -> Result<(), Box<dyn Error>> {
    Err(Box::new(caused()))
}

#[step]
fn boxed_for_threads() -> Result<(), Box<dyn Error + Send + Sync>> {
    Err(Box::new(caused()))
}

#[step]
fn boxed_io() -> Result<(), Box<dyn Error + Send + Sync>> {
    Err(Box::new(refused()))
}

#[step]
fn cyclic() -> Result<(), Cycle> {
    Err(Cycle)
}

#[step]
fn chained(length: usize) -> Result<(), Caused> {
    const TEXTS: [&str; 12] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"];
    let chain = TEXTS[..length]
        .iter()
        .rev()
        .fold(None, |cause, text| Some(Box::new(Caused(text, cause))));
    Err(*chain.unwrap())
}

#[step]
fn text() -> Result<(), String> {
    Err("just text".to_owned())
}

/// The type, the message and the causes in the one line of a failing step.
fn line(work: impl FnOnce()) -> [Option<String>; 3] {
    let lines = lines("info", work);
    assert_eq!(lines.len(), 1, "{lines:?}");
    ["error.type", "exception.message", "exception.cause"]
        .map(|key| lines[0].get(key).and_then(Value::as_str).map(str::to_owned))
}

fn expected(kind: &str, message: &str, causes: &str) -> [Option<String>; 3] {
    let cause = (!causes.is_empty()).then(|| causes.to_owned());
    [Some(kind.to_owned()), Some(message.to_owned()), cause]
}

#[test]
fn all_causes_are_in_the_line_of_a_step() {
    assert_eq!(
        line(|| drop(concrete())),
        expected("step::causes::Caused", "outer", "middle: root")
    );
    let arc = "alloc::sync::Arc<step::causes::Caused>";
    assert_eq!(
        line(|| drop(shared())),
        expected(arc, "outer", "middle: root")
    );
    assert_eq!(
        line(|| drop(anyhowed())),
        expected("std::io::Error", "outer", "middle: refused")
    );
    assert_eq!(
        line(|| now(eyred())),
        expected("std::io::Error", "outer", "middle: refused")
    );
    assert_eq!(
        line(|| drop(boxed())),
        expected("_OTHER", "outer", "middle: root")
    );
    assert_eq!(
        line(|| drop(boxed_for_threads())),
        expected("_OTHER", "outer", "middle: root")
    );
    assert_eq!(
        line(|| drop(boxed_io())),
        expected("std::io::Error", "refused", "")
    );
    assert_eq!(
        line(|| drop(text())),
        expected("alloc::string::String", "just text", "")
    );
    let chain = "1: 2: 3: 4: 5: 6: 7: 8: 9";
    assert_eq!(
        line(|| drop(chained(10))),
        expected("step::causes::Caused", "0", chain)
    );
    let [_, message, causes] = line(|| drop(cyclic()));
    assert_eq!(message.as_deref(), Some("round and round"));
    assert!(causes.unwrap().len() < 64);
}

#[test]
fn the_other_forms_have_the_causes_that_they_can_know() {
    let context = || anyhow::Error::new(refused()).context("outer");
    let by_run = line(|| now(step("Run").run(async { Err::<(), _>(context()) })));
    assert_eq!(by_run, expected("_OTHER", "outer", "refused"));
    let by_result = line(|| now(step("Run").run_result(async { Err::<(), _>(caused()) })));
    assert_eq!(
        by_result,
        expected("step::causes::Caused", "outer", "middle: root")
    );
    let in_scope = line(|| drop(step("Run").in_scope_result(|| Err::<(), _>(caused()))));
    assert_eq!(
        in_scope,
        expected("step::causes::Caused", "outer", "middle: root")
    );
    let guard = line(|| step("Run").start().failed_by("gateway", &caused()));
    assert_eq!(guard, expected("gateway", "outer", "middle: root"));
}

#[test]
fn an_error_that_a_step_wraps_is_recorded_once() {
    #[step(name = "Inner")]
    fn inner() -> anyhow::Result<()> {
        Err(anyhow::anyhow!("database down"))
    }
    #[step(name = "Outer")]
    fn outer() -> anyhow::Result<()> {
        inner().map_err(|error| error.context("cannot check out"))
    }
    let lines = lines("info", || {
        drop(outer());
        let by_run = || step("InnerRun").in_scope(|| Err::<(), _>(anyhow::anyhow!("stock gone")));
        let _ = step("OuterRun").in_scope(|| by_run().map_err(|error| error.context("again")));
    });
    let recorded: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line["step"].as_str().unwrap(),
                line.get("exception.message").is_some(),
            )
        })
        .collect();
    assert_eq!(
        recorded,
        [
            ("Inner", true),
            ("Outer", false),
            ("InnerRun", true),
            ("OuterRun", false)
        ]
    );
}

#[test]
fn a_display_that_fails_or_panics_does_not_reach_the_caller() {
    for (panics, mark) in [
        (false, "half[Display failed]"),
        (true, "half[Display panicked]"),
    ] {
        let steps = lines("info", || {
            let _ = step("Fails").in_scope(|| Err::<(), _>(Broken(panics)));
        });
        let last = steps
            .iter()
            .rfind(|line| line.get("step").is_some())
            .unwrap();
        assert_eq!(last["outcome"], "error");
        assert_eq!(last["exception.message"], mark);
        lines("info", || {
            step("Guard")
                .attr_sensitive("card", Broken(panics))
                .start()
                .failed("x", &Broken(panics));
            step("Current").in_scope(|| {
                record_error(&Broken(panics));
                telemetry_core::current_span().set_error("x", Broken(panics));
                telemetry_core::current_span().set_sensitive("y", Broken(panics));
            });
        });
    }
}

#[test]
fn texts_of_errors_are_redacted_in_lines_and_statuses() {
    let url = "error sending request for url (https://h/pay?token=s3cret&a=1)";
    let database = "error returned from database: invalid input syntax for type uuid: \"s3cret\"";
    let telemetry = TestTelemetry::new();
    let default = telemetry.providers().set_default();
    let lines = lines("info", || {
        for text in [url, database] {
            let _ = step("Fails").in_scope_result(|| Err::<(), _>(Caused(text, None)));
            record_error(&Caused("outer", Some(Box::new(Caused(text, None)))));
            let _ =
                step("Classified").in_scope_with(|| Err::<(), _>(text), |_| Verdict::Failed("x"));
        }
    });
    drop(default);
    let all = format!("{lines:?} {:?}", telemetry.spans());
    assert!(
        all.contains("token=REDACTED&a=1") && all.contains("uuid: \\\"?\\\""),
        "{all}"
    );
    assert!(!all.contains("s3cret"), "{all}");
}

#[test]
fn an_attribute_of_a_step_is_set_once_and_its_last_value_counts() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    step("Twice").attr("k", 1).attr("k", 2).in_scope(|| ());
    let spans = telemetry.spans();
    let values: Vec<_> = spans[0]
        .attributes
        .iter()
        .filter(|kv| kv.key.as_str() == "k")
        .collect();
    assert_eq!(values.len(), 1);
    assert_eq!(values[0].value, 2.into());
}

fn now<T>(future: impl Future<Output = T>) {
    drop(futures_util::FutureExt::now_or_never(future).unwrap());
}
