//! Steps below an unsampled span. Alone in their binary: once a sampler of the process has recorded what it did not
//! sample, as that of other tests, every step has a span.

// Clippy knows test functions, not their helpers.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{Arc, Mutex},
    task::{self, Waker},
};

use serde_json::Value;
use telemetry_core::{
    Config, Service,
    opentelemetry::{
        Context,
        trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState},
    },
    pipeline::LogFormat,
    step,
};

/// The log lines.
fn lines(work: impl FnOnce()) -> Vec<Value> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = lines.clone();
    let quiet = ["TRACES", "METRICS", "LOGS"].map(|it| (format!("OTEL_{it}_EXPORTER"), "none"));
    let telemetry = Config::new(Service::new("shop").namespace("retail"))
        .with_environment(quiet)
        .with_log_format(LogFormat::Json)
        .with_log_sink(move |line| {
            let line = serde_json::from_str(line).unwrap();
            sink.lock().unwrap().push(line);
        })
        .build()
        .unwrap();
    let _default = telemetry.providers().set_default();
    let _subscriber = tracing::dispatcher::set_default(telemetry.dispatch());
    work();
    let lines = lines.lock().unwrap();
    lines.clone()
}

#[test]
fn a_step_without_a_span_ends_in_the_context_it_began_in() {
    let unsampled = |trace| {
        Context::new().with_remote_span_context(SpanContext::new(
            TraceId::from(trace),
            SpanId::from(1),
            TraceFlags::NOT_SAMPLED,
            false,
            TraceState::default(),
        ))
    };
    let lines = lines(|| {
        let began = unsampled(1);
        let of_others = unsampled(2);
        let mut waits = pin!(step("Waits").run(std::future::pending::<()>()));
        let mut fails = pin!(step("Fails").run(async {
            tokio::task::yield_now().await;
            Err::<(), _>(std::fmt::Error)
        }));
        let mut panics = Box::pin(step("Panics").run(async {
            if true {
                panic!("oh")
            }
        }));
        let poll = |polls: &mut dyn FnMut(&mut task::Context<'_>)| {
            polls(&mut task::Context::from_waker(Waker::noop()));
        };
        let attached = began.attach();
        let guard = step("Guards").start();
        poll(&mut |cx| assert!(waits.as_mut().poll(cx).is_pending()));
        poll(&mut |cx| assert!(fails.as_mut().poll(cx).is_pending()));
        poll(&mut |cx| {
            let _ = catch_unwind(AssertUnwindSafe(|| panics.as_mut().poll(cx).is_ready()));
        });
        drop(attached);
        let _attached = of_others.attach();
        poll(&mut |cx| assert!(fails.as_mut().poll(cx).is_ready()));
        drop(panics);
        drop(guard);
        waits.set(step("Never begun").run(std::future::pending()));
    });
    let said: Vec<_> = lines
        .iter()
        .map(|line| (line["step"].as_str(), line["trace_id"].as_str()))
        .collect();
    let trace = Some("00000000000000000000000000000001");
    assert_eq!(
        said,
        [
            (Some("Fails"), trace),
            (Some("Panics"), trace),
            (Some("Guards"), trace),
            (Some("Waits"), trace)
        ]
    );
}
