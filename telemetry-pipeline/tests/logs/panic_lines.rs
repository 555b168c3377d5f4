//! The panic hook, in processes of their own.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use telemetry_api::{
    CorrelationId,
    opentelemetry::{
        InstrumentationScope,
        trace::{SpanKind, TraceContextExt},
    },
};

use crate::{config, is_program, objects, program};

/// The message of a panic, without the credential in it.
const NO_STOCK: &str = "no stock left: https://stock.example/?token=REDACTED";

#[test]
fn panics_in_many_ways() {
    if !is_program("panic_lines::panics_in_many_ways") {
        return;
    }
    static BEFORE: AtomicU32 = AtomicU32::new(0);
    std::panic::set_hook(Box::new(|_| {
        BEFORE.fetch_add(1, Ordering::Relaxed);
    }));
    let hook = std::env::var("HOOK").unwrap();
    // No filter applies to a panic.
    let telemetry = config(&[("TELEMETRY_LOG_PANICS", &hook), ("RUST_LOG", "off")])
        .bootstrap()
        .unwrap();
    let scope = InstrumentationScope::builder("test").build();
    let tracer = telemetry.providers().tracer(scope);
    let cx = tracer.start(&Default::default(), "request", SpanKind::Server, Vec::new);
    let span = cx.span().span_context().clone();
    let cx = CorrelationId::parse("abc-123").unwrap().attach_to(&cx);
    let panicking = std::thread::Builder::new().name("worker".to_owned());
    let ended = panicking.spawn(move || {
        let _request = cx.attach();
        panic!("no {} left: https://stock.example/?token=s3cret", "stock");
    });
    assert!(ended.unwrap().join().is_err());
    struct Fails;
    impl std::fmt::Debug for Fails {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("while it is logged")
        }
    }
    telemetry.filters().set_logs("info").unwrap();
    // The caller goes on, and the panic has a line of its own.
    tracing::info!(value = ?Fails, "marked");
    assert!(std::panic::catch_unwind(|| std::panic::panic_any(7)).is_err());
    // The buffer that was in use during the panic is usable again.
    tracing::info!(
        trace = %span.trace_id(),
        span = %span.span_id(),
        before = BEFORE.load(Ordering::Relaxed),
        "after"
    );
    drop(telemetry);
}

#[test]
fn a_panic_is_a_line_with_the_ids_of_what_panicked_and_the_hook_before_it_runs() {
    let output = program("panic_lines::panics_in_many_ways")
        .env("HOOK", "true")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines = objects(&output.stdout);
    let [worker, formatting, marked, any, after] = lines.as_slice() else {
        panic!("{lines:#?}");
    };
    assert_eq!(
        (&worker["level"], &worker["target"], &worker["message"]),
        (
            &"ERROR".into(),
            &"panic".into(),
            &format!("panicked: {NO_STOCK}").into()
        )
    );
    assert_eq!(worker["exception.type"], "panic");
    assert_eq!(worker["exception.message"], NO_STOCK);
    assert_eq!(worker["thread.name"], "worker");
    assert!(
        worker["code.file.path"]
            .as_str()
            .unwrap()
            .ends_with("logs/panic_lines.rs")
    );
    assert!(worker["code.line.number"].is_u64() && worker["code.column.number"].is_u64());
    assert_eq!(
        worker.get("exception.stacktrace"),
        None,
        "nobody asked for it"
    );
    assert_eq!(
        (&worker["trace_id"], &worker["span_id"]),
        (&after["trace"], &after["span"])
    );
    assert_eq!(worker["correlation_id"], "abc-123");
    assert_eq!(formatting["exception.message"], "while it is logged");
    assert_eq!(marked["value"], "<formatting panicked>");
    assert_eq!(any["exception.message"], "a value that is no text");
    assert_eq!(after["before"], 3);
}

#[test]
fn without_the_hook_a_panic_is_no_line() {
    let output = program("panic_lines::panics_in_many_ways")
        .env("HOOK", "false")
        .output()
        .unwrap();
    assert!(output.status.success());
    let lines = objects(&output.stdout);
    let [marked, after] = lines.as_slice() else {
        panic!("{lines:#?}");
    };
    assert_eq!(marked["value"], "<formatting panicked>");
    assert_eq!(
        (&after["message"], &after["before"]),
        (&"after".into(), &3.into())
    );
}

#[test]
fn a_stack_trace_comes_when_it_is_asked_for() {
    let output = program("panic_lines::panics_in_many_ways")
        .envs([("HOOK", "true"), ("RUST_BACKTRACE", "1")])
        .output()
        .unwrap();
    let lines = objects(&output.stdout);
    let stack = lines[0]["exception.stacktrace"].as_str().unwrap();
    assert!(stack.contains("panics_in_many_ways"), "{stack}");
}

#[test]
fn panics_again_and_again() {
    if !is_program("panic_lines::panics_again_and_again") {
        return;
    }
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = lines.clone();
    let telemetry = config(&[])
        .with_log_sink(move |line| kept.lock().unwrap().push(line.to_owned()))
        .bootstrap()
        .unwrap();
    for _ in 0..3 {
        assert!(std::panic::catch_unwind(|| panic!("again")).is_err());
    }
    assert_eq!(
        lines.lock().unwrap().len(),
        3,
        "each panic, not the first alone"
    );
    drop(telemetry);
}

#[test]
fn every_panic_is_logged_once() {
    let output = program("panic_lines::panics_again_and_again")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
