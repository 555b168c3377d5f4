//! The calls of this crate in the destructor of a thread-local, where OpenTelemetry's context may be gone: they do nothing or
//! what they can, and the process goes on. A panic there would end it.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{cell::RefCell, future::ready, thread};

use futures_util::FutureExt as _;
use telemetry_api::{
    Counter, Gauge, Histogram, Principal, StepGuard, UpDownCounter,
    correlation::CorrelationId,
    counter, current_span, entry_span, gauge, histogram,
    instrument::{context, pipeline::panic_logged, providers::Providers},
    messaging::{Destination, MessageContext},
    opentelemetry::{Context, InstrumentationScope, trace::SpanKind},
    record_error,
    sensitive::Sensitive,
    set_attribute, step,
    task::{InCurrentContext as _, each_in_current_context, in_current_context},
    up_down_counter,
};
use telemetry_pipeline::testing::TestTelemetry;

static COUNTER: Counter = counter("exit.counter");
static HISTOGRAM: Histogram = histogram("exit.histogram");
static GAUGE: Gauge = gauge("exit.gauge");
static OPEN: UpDownCounter = up_down_counter("exit.open");
const JOBS: Destination = Destination::new("outbox", "jobs");

/// Everything this crate offers to code that may run anywhere.
fn call_everything() {
    COUNTER.add(1, ("a", "b"));
    HISTOGRAM.record(1, ());
    GAUGE.set(1, ());
    OPEN.add(1, ());
    set_attribute("a", 1);
    record_error(&std::fmt::Error);
    for span in [current_span(), entry_span()] {
        span.set_attribute("a", 1);
        span.set_sensitive("b", "c");
        span.add_event("d", Vec::new());
        span.record_error(&std::fmt::Error);
        span.set_error("e", "f");
        span.set_ok();
    }
    step("Scope")
        .attr("a", 1)
        .attr_sensitive("b", 2)
        .in_scope(|| COUNTER.add(1, ()));
    let _ = step("Fails").in_scope(|| Err::<(), _>(std::fmt::Error));
    step("Run").run(ready(())).now_or_never();
    let mut guard = step("Guard").start();
    guard.attr("a", 1);
    guard.in_scope(|| ());
    guard.in_context(ready(())).now_or_never();
    guard.failed("x", &"y");
    drop(step("Dropped").start());
    ready(()).in_current_context().now_or_never();
    in_current_context(|| ())();
    each_in_current_context(|()| ())(());
    let _ = CorrelationId::current();
    let _ = CorrelationId::random();
    let _ = Sensitive::current();
    let principal = Principal::new("ada");
    principal.name_request();
    let _ = Principal::current();
    principal.scope(ready(())).now_or_never();
    let message = MessageContext::current();
    let _ = JOBS.create();
    JOBS.process(&message, ready(Err::<(), _>("no")))
        .now_or_never();
    JOBS.send(|_| ready(Ok::<_, String>(()))).now_or_never();
    panic_logged();
    let _ = current_span::panic_was_logged();
}

/// Calls everything when the thread drops it, and drops the guard of a step that is older.
#[derive(Default)]
struct AtExit(Option<StepGuard>);

impl Drop for AtExit {
    fn drop(&mut self) {
        call_everything();
        drop(self.0.take());
        call_everything();
    }
}

thread_local! {
    static AT_EXIT: RefCell<AtExit> = RefCell::default();
}

fn on_a_thread(work: impl FnOnce() + Send + 'static) {
    thread::spawn(work).join().unwrap();
}

/// The providers of the process, because those of a thread end before it does.
fn installed() -> Providers {
    if !Providers::installed() {
        TestTelemetry::new().providers().clone().install();
    }
    Providers::current().unwrap()
}

#[test]
fn the_context_is_gone_when_a_destructor_calls() {
    installed();
    on_a_thread(|| {
        // Made first, so dropped last.
        AT_EXIT.with(|_| ());
        call_everything();
    });
}

#[test]
fn the_context_is_still_there_when_a_destructor_calls() {
    installed();
    on_a_thread(|| {
        call_everything();
        AT_EXIT.with(|_| ());
    });
}

#[test]
fn a_destructor_is_the_first_to_call() {
    installed();
    on_a_thread(|| AT_EXIT.with(|_| ()));
}

#[test]
fn others_have_used_the_context_and_a_destructor_is_the_first_to_call_this_crate() {
    installed();
    on_a_thread(|| {
        AT_EXIT.with(|_| ());
        let _attached = Context::new().attach();
    });
}

#[test]
fn a_step_that_is_in_progress_ends_in_a_destructor() {
    installed();
    for at_first in [true, false] {
        on_a_thread(move || {
            if at_first {
                AT_EXIT.with(|_| ());
            }
            let tracer = installed().tracer(InstrumentationScope::builder("exit").build());
            let cx = tracer.start(&Context::new(), "work", SpanKind::Server, Vec::new);
            let _attached = cx.attach();
            AT_EXIT.with_borrow_mut(|exit| exit.0 = Some(step("InProgress").start()));
        });
    }
}

#[test]
fn a_thread_that_works_is_not_ending() {
    assert!(!context::is_ending());
    on_a_thread(|| assert!(!context::is_ending()));
}
