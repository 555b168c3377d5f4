//! Where the current context cannot be read, a line is written without it.

use telemetry_api::opentelemetry::{
    Context, InstrumentationScope,
    trace::{SpanKind, TraceContextExt},
};

use crate::{config, is_program, objects, program};

struct LastWords;

impl Drop for LastWords {
    fn drop(&mut self) {
        tracing::info!("last words");
        let _span = tracing::info_span!("last").entered();
    }
}

#[test]
fn logs_while_its_thread_ends() {
    if !is_program("ending_threads::logs_while_its_thread_ends") {
        return;
    }
    thread_local! {
        static LAST: LastWords = const { LastWords };
    }
    // Records, too, and spans; nobody listens there.
    let telemetry = config(&[
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
    ])
    .with_shutdown_timeout(std::time::Duration::ZERO)
    .bootstrap()
    .unwrap();
    let tracer = telemetry
        .providers()
        .tracer(InstrumentationScope::builder("test").build());
    let cx = tracer.start(&Default::default(), "work", SpanKind::Internal, Vec::new);
    let thread = std::thread::spawn(move || {
        // A thread drops its values in the reverse order of their making.
        LAST.with(|_| ());
        let _work = cx.attach();
        tracing::info!("first words");
        Context::current().span().end();
    });
    thread.join().unwrap();
    // The lost spans do not matter here.
    let _ = telemetry.shutdown();
}

#[test]
fn what_a_thread_logs_after_its_context_is_gone_is_a_line_without_ids() {
    let output = program("ending_threads::logs_while_its_thread_ends")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines = objects(&output.stdout);
    let find = |message: &str| lines.iter().find(|line| line["message"] == message);
    let (first, last) = (find("first words").unwrap(), find("last words").unwrap());
    assert!(first["trace_id"].is_string());
    assert_eq!(last.get("trace_id"), None);
}
