//! Closures, guards and outputs of any type; every end at every await.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::{Context, Poll, Waker},
};

use telemetry_core::{StepGuard, StepOutput, Verdict, set_attribute, step, testing::TestTelemetry};

use crate::{Declined, SHOWN};

/// Polls that many times, and drops the future.
fn poll(times: usize, future: impl Future) {
    let mut future = pin!(future);
    for _ in 0..times {
        let _ = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
    }
}

async fn once() {
    let mut waited = false;
    std::future::poll_fn(|_| match std::mem::replace(&mut waited, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

/// Says on the current span that it was dropped.
struct Held;

impl Drop for Held {
    fn drop(&mut self) {
        set_attribute("dropped", true);
    }
}

#[test]
fn what_a_cancelled_step_held_is_dropped_in_the_step() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    let holding = || async {
        let _held = Held;
        once().await;
    };
    poll(1, async { step("Run").run(holding()).await });
    let guarded = async {
        let guard = step("Guard").start();
        guard.in_context(holding()).await;
        guard.ok();
    };
    poll(1, guarded);
    assert_eq!(
        telemetry.tree(&["dropped", "retail.outcome"]),
        "INTERNAL Run dropped=true retail.outcome=\"cancelled\"\n\
         INTERNAL Guard dropped=true retail.outcome=\"cancelled\"\n"
    );
}

/// Waits three times, and panics after the given one.
async fn three_waits(panic_after: Option<usize>) -> Result<(), Declined> {
    for i in 1..=3 {
        once().await;
        assert_ne!(Some(i), panic_after, "as told");
    }
    Ok(())
}

async fn nested(panic_after: Option<usize>) -> Result<(), Declined> {
    let inner = async { step("Inner").run(three_waits(panic_after)).await };
    step("Outer").run(inner).await
}

async fn guarded(panic_after: Option<usize>) -> Result<(), Declined> {
    let guard = step("Outer").start();
    let inner = async {
        let guard = step("Inner").start();
        guard.in_context(three_waits(panic_after)).await?;
        guard.ok();
        Ok::<_, Declined>(())
    };
    guard.in_context(inner).await?;
    guard.ok();
    Ok(())
}

fn tree_after(work: impl FnOnce()) -> String {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    let _ = catch_unwind(AssertUnwindSafe(work));
    let tree = telemetry.tree(&["retail.outcome"]);
    let metrics = telemetry.metrics();
    let counted = metrics
        .lines()
        .filter(|line| line.starts_with("retail_steps_total{"))
        .filter_map(|line| {
            line.split("} ")
                .nth(1)?
                .split(' ')
                .next()?
                .parse::<usize>()
                .ok()
        });
    assert_eq!(counted.sum::<usize>(), tree.lines().count(), "{metrics}");
    tree
}

fn both(outcome: &str, status: &str) -> String {
    format!(
        "INTERNAL Outer retail.outcome={outcome:?}{status}\n  INTERNAL Inner retail.outcome={outcome:?}{status}\n"
    )
}

#[test]
fn a_step_dropped_at_any_await_is_cancelled_and_so_are_those_around_it() {
    for polls in 1..=3 {
        let cancelled = both("cancelled", "");
        assert_eq!(tree_after(|| poll(polls, nested(None))), cancelled);
        assert_eq!(tree_after(|| poll(polls, guarded(None))), cancelled);
    }
    assert_eq!(tree_after(|| poll(0, nested(None))), "");
    assert_eq!(tree_after(|| poll(4, nested(None))), both("ok", ""));
    assert_eq!(tree_after(|| poll(4, guarded(None))), both("ok", ""));
}

#[test]
fn a_panic_after_any_await_panics_the_step_and_those_around_it() {
    for after in 1..=3 {
        let panicked = both("panicked", " ERROR (panicked)");
        assert_eq!(tree_after(|| poll(4, nested(Some(after)))), panicked);
        assert_eq!(tree_after(|| poll(4, guarded(Some(after)))), panicked);
    }
}

#[test]
fn a_panic_of_what_judges_the_output_is_one_of_the_step() {
    let judge = |_: &Declined| -> Verdict { panic!("oh") };
    let failed = || Err::<(), _>(Declined);
    let panicked = "INTERNAL Judged retail.outcome=\"panicked\" ERROR (panicked)\n";
    let closure = tree_after(|| drop(step("Judged").in_scope_with(failed, judge)));
    assert_eq!(closure, panicked);
    let future = tree_after(|| poll(1, step("Judged").run_with(async { failed() }, judge)));
    assert_eq!(future, panicked);
}

#[test]
fn a_closure_ends_like_a_future() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    let sum = step("Sum")
        .flow("checkout")
        .in_scope_classified(|| 1 + 1, |_| Verdict::Ok);
    assert_eq!(sum, 2);
    step("Unit").in_scope(|| set_attribute("sku", "SKU-1"));
    let failed = step("Fails").in_scope(|| Err::<(), _>(Declined));
    assert!(failed.is_err());
    let refused =
        step("Refuses").in_scope_with(|| Err::<(), _>(Declined), |_| Verdict::Rejected("no"));
    assert!(refused.is_err());
    let well = step("Forgives").in_scope_with(|| Err::<(), _>(Declined), |_| Verdict::Ok);
    assert!(well.is_err());
    let nothing = step("Finds").in_scope(|| None::<u8>);
    assert!(nothing.is_none());
    let panics = || step("Panics").in_scope(|| if true { panic!("oh") } else { Some(1) });
    assert!(catch_unwind(panics).is_err());
    assert_eq!(
        telemetry.tree(&[&SHOWN[..], &["sku"]].concat()),
        r#"INTERNAL Sum retail.flow="checkout" retail.outcome="ok"
INTERNAL Unit retail.outcome="ok" sku="SKU-1"
INTERNAL Fails retail.outcome="error" error.type="step::Declined" ERROR (the gateway said no)
INTERNAL Refuses retail.outcome="rejected" retail.reason="no"
INTERNAL Forgives retail.outcome="ok"
INTERNAL Finds retail.outcome="rejected" retail.reason="none"
INTERNAL Panics retail.outcome="panicked" error.type="panic" ERROR (panicked)
"#
    );
}

struct Answer {
    status: u16,
}

impl StepOutput for Answer {
    fn verdict(&self) -> Verdict {
        match self.status {
            200 => Verdict::Ok,
            402 => Verdict::Rejected("declined"),
            _ => Verdict::Failed("gateway"),
        }
    }
}

#[tokio::test]
async fn an_output_of_any_type_says_how_the_step_ended() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    for status in [200, 402, 500] {
        step("Charge").run(async { Answer { status } }).await;
        let by_status = |status: &u16| Answer { status: *status }.verdict();
        step("Classified")
            .run_classified(async { status }, by_status)
            .await;
        step("Guarded").start().finish(&Answer { status });
    }
    let expected = [
        r#" retail.outcome="ok""#,
        r#" retail.outcome="rejected" retail.reason="declined""#,
        r#" retail.outcome="error" error.type="gateway" ERROR"#,
    ]
    .map(|end| format!("INTERNAL Charge{end}\nINTERNAL Classified{end}\nINTERNAL Guarded{end}\n"));
    assert_eq!(telemetry.tree(&SHOWN), expected.concat());
}

#[test]
fn a_guard_ends_as_it_is_told_and_takes_attributes() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    let mut guard = step("Charge").flow("checkout").stage("payment").start();
    guard.attr("tries", 2);
    guard.attr_sensitive("card", "tok_visa");
    guard.in_scope(|| step("Inside").in_scope(|| ()));
    guard.rejected("declined");
    step("Charge").start().failed("gateway", &Declined);
    drop(step("Charge").start());
    assert_eq!(
        telemetry.tree(&[&SHOWN[..], &["tries"]].concat()),
        r#"INTERNAL Charge retail.flow="checkout" retail.stage="payment" retail.outcome="rejected" retail.reason="declined" tries=2
  INTERNAL Inside retail.outcome="ok"
INTERNAL Charge retail.outcome="error" error.type="gateway" ERROR (the gateway said no)
INTERNAL Charge retail.outcome="cancelled"
"#
    );
    let hashed = format!("card={:?}", telemetry_core::sensitive::hash("tok_visa"));
    assert!(telemetry.tree(&["card"]).contains(&hashed));
    assert!(!format!("{:?}", telemetry.spans()).contains("tok_visa"));
}

#[test]
fn a_guard_may_wait_in_a_future_that_changes_threads() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    drop(is_send(guarded(None)));
    is_send::<StepGuard>(step("Quiet").start()).ok();
}

#[test]
fn a_step_keeps_a_bounded_number_of_attributes() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    let many = (0..100).fold(step("Many"), |many, i| many.attr(format!("key.{i}"), i));
    many.in_scope(|| ());
    // And the outcome.
    assert_eq!(telemetry.spans()[0].attributes.len(), 32 + 1);
}
