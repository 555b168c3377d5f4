use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use opentelemetry::{
    Context, KeyValue,
    trace::{SpanId, SpanKind, TraceContextExt},
};

use super::{LOW, caller, fail, start, tracer};
use crate::{
    testing::TestTelemetry,
    traces::sampling::{pending::Bounds, *},
};
use telemetry_api::instrument::tracer::is_recorded;

const SECOND: Duration = Duration::from_secs(1);

fn take(cx: &Context, duration: Duration) {
    cx.span().end_with_timestamp(SystemTime::now() + duration);
}

#[test]
fn an_unsampled_trace_is_exported_whole_when_its_local_root_fails() {
    let (telemetry, sampler) =
        TestTelemetry::with_policy(SamplerPolicy::always_off().keeping_errors());
    let tracer = tracer(&telemetry);
    let root = start(&tracer, &Context::new(), "root");
    let child = start(&tracer, &root, "child");
    let grandchild = start(&tracer, &child, "grandchild");
    let late = start(&tracer, &root, "late");
    assert!(is_recorded(&root.span()) && is_recorded(&grandchild.span()));
    grandchild.span().end();
    child.span().end();
    assert_eq!(telemetry.tree(&[]), "", "nothing before the root has ended");
    fail(&root);
    late.span().end();
    assert_eq!(
        telemetry.tree(&["key", "telemetry.kept"]),
        concat!(
            "INTERNAL root key=\"value\" telemetry.kept=\"error\" ERROR\n",
            "  INTERNAL child key=\"value\"\n",
            "    INTERNAL grandchild key=\"value\"\n",
            "  INTERNAL late key=\"value\"\n",
        )
    );
    assert!(
        telemetry
            .spans()
            .iter()
            .all(|span| span.span_context.is_sampled())
    );
    assert_eq!(
        sampler.counts(),
        SamplingCounts {
            kept_traces: 1,
            ..Default::default()
        }
    );
    assert!(!start(&tracer, &root, "too late").span().is_recording());
}

#[test]
fn an_unsampled_trace_that_ends_well_leaves_nothing() {
    let policy = SamplerPolicy::always_off()
        .keeping_errors()
        .keeping_slower_than(SECOND);
    let (telemetry, sampler) = TestTelemetry::with_policy(policy);
    let tracer = tracer(&telemetry);
    let root = start(&tracer, &Context::new(), "root");
    let failed = start(&tracer, &root, "failed child");
    let late = start(&tracer, &root, "late");
    fail(&failed);
    root.span().end();
    fail(&late);
    assert_eq!(telemetry.tree(&[]), "");
    assert_eq!(sampler.counts(), SamplingCounts::default());
    assert!(
        !sampler
            .sampler()
            .0
            .pending
            .holds(root.span().span_context().trace_id())
    );
}

#[test]
fn an_unsampled_trace_is_exported_when_its_local_root_is_slow() {
    let (telemetry, _) =
        TestTelemetry::with_policy(SamplerPolicy::always_off().keeping_slower_than(SECOND));
    let tracer = tracer(&telemetry);
    let slow = start(&tracer, &Context::new(), "slow");
    start(&tracer, &slow, "query").span().end();
    take(&slow, 2 * SECOND);
    let quick = start(&tracer, &Context::new(), "quick");
    take(&start(&tracer, &quick, "slow query"), 2 * SECOND);
    quick.span().end();
    let failed = start(&tracer, &Context::new(), "failed");
    fail(&failed);
    assert_eq!(
        telemetry.tree(&["telemetry.kept"]),
        "INTERNAL slow telemetry.kept=\"slow\"\n  INTERNAL query\n"
    );
}

#[test]
fn sampled_traces_are_not_held_back() {
    let (telemetry, sampler) =
        TestTelemetry::with_policy(SamplerPolicy::always_on().keeping_errors());
    let tracer = tracer(&telemetry);
    let root = start(&tracer, &Context::new(), "root");
    start(&tracer, &root, "child").span().end();
    assert_eq!(telemetry.spans().len(), 1);
    fail(&root);
    assert_eq!(
        telemetry.tree(&["telemetry.kept"]),
        "INTERNAL root ERROR\n  INTERNAL child\n"
    );
    assert_eq!(sampler.counts(), SamplingCounts::default());
}

#[test]
fn below_an_unsampled_caller_errors_are_kept_without_the_callers_threshold() {
    let (telemetry, _) = TestTelemetry::with_policy(SamplerPolicy::always_on().keeping_errors());
    let tracer = tracer(&telemetry);
    let root = start(&tracer, &caller(LOW, false, "ot=th:8,vendor=1"), "root");
    assert!(
        !root.span().span_context().is_sampled(),
        "the next service is not told"
    );
    assert_eq!(
        root.span().span_context().trace_state().header(),
        "ot=th:8,vendor=1"
    );
    fail(&root);
    let [span] = telemetry.spans().try_into().unwrap();
    assert!(span.span_context.is_sampled() && span.parent_span_is_remote);
    assert_eq!(span.span_context.trace_state().header(), "vendor=1");
    assert_eq!(span.parent_span_id, SpanId::from(7));
}

#[test]
fn a_trace_that_a_rule_drops_is_not_kept_for_an_error() {
    let policy = SamplerPolicy::always_off()
        .keeping_errors()
        .with_rule(Rule::drop().name("health"));
    let (telemetry, _) = TestTelemetry::with_policy(policy);
    let tracer = tracer(&telemetry);
    for parent in [Context::new(), caller(LOW, false, "")] {
        let root = start(&tracer, &parent, "health");
        let child = start(&tracer, &root, "child");
        assert!(!is_recorded(&root.span()) && !is_recorded(&child.span()));
        fail(&child);
        fail(&root);
    }
    assert_eq!(telemetry.tree(&[]), "");
}

#[test]
fn local_roots_of_one_trace_are_kept_together() {
    let (telemetry, sampler) =
        TestTelemetry::with_policy(SamplerPolicy::always_off().keeping_errors());
    let tracer = tracer(&telemetry);
    let first = start(&tracer, &caller(LOW, false, ""), "first");
    let second = start(&tracer, &caller(LOW, false, ""), "second");
    start(&tracer, &first, "child").span().end();
    first.span().end();
    assert_eq!(telemetry.spans().len(), 0);
    fail(&second);
    let names: Vec<_> = telemetry
        .spans()
        .into_iter()
        .map(|span| span.name)
        .collect();
    assert_eq!(names, ["child", "first", "second"]);
    assert_eq!(sampler.counts().kept_traces, 1);
}

fn bounded(
    traces: usize,
    spans_per_trace: usize,
    bytes: usize,
) -> (TestTelemetry, SamplerHandle, Arc<AtomicU64>) {
    let seconds = Arc::new(AtomicU64::new(0));
    let clock = {
        let seconds = seconds.clone();
        Arc::new(move || Duration::from_secs(seconds.load(Ordering::Relaxed)))
    };
    let bounds = Bounds {
        traces,
        spans_per_trace,
        bytes,
    };
    let policy = SamplerPolicy::always_off().keeping_errors();
    let sampler = SamplerHandle::bounded(policy, bounds, clock);
    (TestTelemetry::with_handle(&sampler), sampler, seconds)
}

#[test]
fn too_many_pending_traces_are_refused_and_counted() {
    let (telemetry, sampler, _) = bounded(2, 10, 1 << 20);
    let tracer = tracer(&telemetry);
    let roots: Vec<_> = (0..3)
        .map(|_| start(&tracer, &Context::new(), "root"))
        .collect();
    assert!(!is_recorded(&roots[2].span()));
    assert_eq!(sampler.counts().refused_traces, 1);
    roots.iter().for_each(fail);
    assert_eq!(telemetry.spans().len(), 2);
    assert!(
        is_recorded(&start(&tracer, &Context::new(), "root").span()),
        "there is room again"
    );
}

#[test]
fn too_many_spans_of_a_trace_are_lost_and_counted_but_not_its_root() {
    let (telemetry, sampler, _) = bounded(2, 2, 1 << 20);
    let tracer = tracer(&telemetry);
    let root = start(&tracer, &Context::new(), "root");
    (0..5).for_each(|_| start(&tracer, &root, "child").span().end());
    fail(&root);
    assert_eq!(
        telemetry.tree(&[]),
        "INTERNAL root ERROR\n  INTERNAL child\n  INTERNAL child\n"
    );
    assert_eq!(sampler.counts().overflowed_spans, 3);
}

#[test]
fn the_memory_of_all_pending_traces_is_bounded_and_given_back() {
    let (telemetry, sampler, _) = bounded(100, 100, 20_000);
    let tracer = tracer(&telemetry);
    let round = |end: fn(&Context)| {
        let roots: Vec<_> = (0..4)
            .map(|_| start(&tracer, &Context::new(), "root"))
            .collect();
        for root in &roots {
            let large = || vec![KeyValue::new("large", "x".repeat(8000))];
            let cx = tracer.start(root, "child", SpanKind::Internal, large);
            cx.span().end();
        }
        roots.iter().for_each(end);
    };
    round(|root| root.span().end());
    assert_eq!(sampler.counts().overflowed_spans, 2);
    round(fail);
    assert_eq!(sampler.counts().overflowed_spans, 4);
    assert_eq!(telemetry.spans().len(), 4 + 2);
}

#[test]
fn traces_that_do_not_end_make_room_after_ten_minutes() {
    let (telemetry, sampler, seconds) = bounded(1, 10, 1 << 20);
    let tracer = tracer(&telemetry);
    let endless = start(&tracer, &Context::new(), "endless");
    seconds.store(599, Ordering::Relaxed);
    assert!(!is_recorded(
        &start(&tracer, &Context::new(), "refused").span()
    ));
    seconds.store(600, Ordering::Relaxed);
    let next = start(&tracer, &Context::new(), "next");
    assert!(is_recorded(&next.span()));
    fail(&endless);
    next.span().end();
    assert_eq!(
        telemetry.tree(&[]),
        "INTERNAL endless ERROR\n",
        "the root alone"
    );
    assert_eq!(sampler.counts().refused_traces, 1);
}

#[test]
fn the_policy_of_the_end_says_whether_a_pending_trace_is_kept() {
    let (telemetry, sampler) =
        TestTelemetry::with_policy(SamplerPolicy::always_off().keeping_errors());
    let tracer = tracer(&telemetry);
    let root = start(&tracer, &Context::new(), "root");
    sampler.set(SamplerPolicy::always_off());
    start(&tracer, &root, "child").span().end();
    fail(&root);
    assert_eq!(telemetry.tree(&[]), "");
    assert_eq!(sampler.counts(), SamplingCounts::default());
}
