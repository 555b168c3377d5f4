use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use opentelemetry::{
    Context, InstrumentationScope, KeyValue,
    trace::{
        SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState,
    },
};
use opentelemetry_sdk::trace::{SamplingDecision, ShouldSample};

use super::{rate, *};
use crate::{Config, testing::TestTelemetry};
use telemetry_api::instrument::tracer::{Decides, Tracer};

mod kept;

fn tracer(telemetry: &TestTelemetry) -> Tracer {
    telemetry
        .providers()
        .tracer(InstrumentationScope::builder("test").build())
}

fn start(tracer: &Tracer, parent: &Context, name: &'static str) -> Context {
    tracer.start(parent, name, SpanKind::Internal, || {
        vec![KeyValue::new("key", "value")]
    })
}

fn caller(id: u128, sampled: bool, state: &str) -> Context {
    let flags = TraceFlags::default().with_sampled(sampled);
    let state: TraceState = state.parse().unwrap();
    Context::new().with_remote_span_context(SpanContext::new(
        TraceId::from(id),
        SpanId::from(7),
        flags,
        true,
        state,
    ))
}

fn fail(cx: &Context) {
    cx.span().set_status(Status::error(""));
    cx.span().end();
}

/// Sampled or not, and the trace state, for a trace of this id below this parent.
fn decision(policy: &SamplerPolicy, parent: &Context, id: u128) -> (SamplingDecision, String) {
    let result = SamplerHandle::new(policy.clone()).sampler().should_sample(
        Some(parent),
        TraceId::from(id),
        "span",
        &SpanKind::Server,
        &[],
        &[],
    );
    (result.decision, result.trace_state.header())
}

const HIGH: u128 = 0x00ff_ffff_ffff_ffff;
const LOW: u128 = 1;

#[test]
fn a_trace_that_begins_here_is_decided_by_the_policy() {
    use SamplingDecision::{Drop, RecordAndSample};
    let root = Context::new();
    for (policy, id, expected, state) in [
        (SamplerPolicy::always_on(), LOW, RecordAndSample, ""),
        (SamplerPolicy::always_off(), HIGH, Drop, ""),
        (
            SamplerPolicy::ratio(0.1),
            HIGH,
            RecordAndSample,
            "ot=th:e666",
        ),
        (SamplerPolicy::ratio(0.1), LOW, Drop, ""),
        (SamplerPolicy::ratio(1.0), LOW, RecordAndSample, "ot=th:0"),
        (SamplerPolicy::rate_limited(1.0), LOW, RecordAndSample, ""),
        (SamplerPolicy::rate_limited(0.0), HIGH, Drop, ""),
    ] {
        assert_eq!(
            decision(&policy, &root, id),
            (expected, state.to_owned()),
            "{policy:?}"
        );
    }
}

#[test]
fn a_callers_decision_and_trace_state_stand() {
    use SamplingDecision::{Drop, RecordAndSample};
    let state = "ot=th:8,vendor=1";
    for policy in [
        SamplerPolicy::always_on(),
        SamplerPolicy::always_off(),
        SamplerPolicy::ratio(0.5),
        SamplerPolicy::always_off().with_rule(Rule::drop()),
    ] {
        for (sampled, expected) in [(true, RecordAndSample), (false, Drop)] {
            let parent = caller(LOW, sampled, state);
            assert_eq!(
                decision(&policy, &parent, LOW),
                (expected, state.to_owned()),
                "{policy:?}"
            );
        }
    }
}

#[test]
fn who_ignores_callers_decides_anew_and_states_the_new_threshold() {
    use SamplingDecision::{Drop, RecordAndSample};
    let ratio = || SamplerPolicy::ratio(0.5).ignoring_parents();
    let on = || SamplerPolicy::always_on().ignoring_parents();
    for (policy, id, sampled, before, expected, after) in [
        (
            ratio(),
            HIGH,
            false,
            "vendor=1",
            RecordAndSample,
            "ot=th:8,vendor=1",
        ),
        (
            ratio(),
            LOW,
            true,
            "ot=th:c;p:1,vendor=1",
            Drop,
            "ot=p:1,vendor=1",
        ),
        (
            ratio(),
            LOW,
            true,
            "ot=rv:ffffffffffffff",
            RecordAndSample,
            "ot=th:8;rv:ffffffffffffff",
        ),
        (
            ratio(),
            HIGH,
            true,
            "ot=rv:00000000000000",
            Drop,
            "ot=rv:00000000000000",
        ),
        (on(), LOW, false, "ot=th:c", RecordAndSample, ""),
    ] {
        let parent = caller(id, sampled, before);
        assert_eq!(
            decision(&policy, &parent, id),
            (expected, after.to_owned()),
            "{before}"
        );
    }
}

#[test]
fn services_with_a_ratio_agree_about_a_trace_however_it_reaches_them() {
    let independent = SamplerPolicy::ratio(0.3).ignoring_parents();
    for n in 0..1000_u128 {
        let id = n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) | 1 << 120;
        let first = decision(&SamplerPolicy::ratio(0.3), &Context::new(), id);
        let sampled = first.0 == SamplingDecision::RecordAndSample;
        let second = decision(&independent, &caller(id, sampled, &first.1), id);
        assert_eq!(first, second);
    }
}

#[test]
fn the_first_rule_that_matches_decides() {
    let policy = SamplerPolicy::always_off()
        .with_rule(Rule::drop().path("/health*"))
        .with_rule(Rule::keep().route("/checkout").kind(SpanKind::Server))
        .with_rule(Rule::drop().route("/checkout"))
        .with_rule(Rule::keep().name("nightly"));
    let (telemetry, sampler) = TestTelemetry::with_policy(policy);
    assert!(sampler.hint().get().reads_attributes);
    let tracer = tracer(&telemetry);
    let begin = |name: &'static str, kind, attributes: &[(&'static str, &'static str)]| {
        let attributes = attributes
            .iter()
            .map(|(key, value)| KeyValue::new(*key, *value));
        let cx = tracer.start(&Context::new(), name, kind, || attributes.collect());
        cx.span().end();
    };
    begin(
        "health",
        SpanKind::Server,
        &[("url.path", "/healthz"), ("http.route", "/checkout")],
    );
    begin("server", SpanKind::Server, &[("http.route", "/checkout")]);
    begin("client", SpanKind::Client, &[("http.route", "/checkout")]);
    begin("nightly", SpanKind::Internal, &[]);
    begin("other", SpanKind::Server, &[("http.route", "/")]);
    assert_eq!(telemetry.tree(&[]), "SERVER server\nINTERNAL nightly\n");
}

#[test]
fn hints_say_what_the_sampler_needs() {
    let hint = |policy: SamplerPolicy| {
        let hint = SamplerHandle::new(policy).hint().get();
        (
            hint.reads_attributes,
            hint.records_roots,
            hint.records_unsampled,
            hint.decides,
        )
    };
    let (roots, local) = (Decides::TraceRoots, Decides::LocalRoots);
    let on = SamplerPolicy::always_on;
    let off = SamplerPolicy::always_off;
    assert_eq!(hint(on()), (false, true, false, roots));
    assert_eq!(hint(off().ignoring_parents()), (false, false, false, local));
    assert_eq!(
        hint(SamplerPolicy::ratio(0.4)),
        (false, false, false, roots)
    );
    assert_eq!(hint(SamplerPolicy::ratio(0.6)), (false, true, false, roots));
    assert_eq!(
        hint(SamplerPolicy::rate_limited(9.0)),
        (false, false, false, roots)
    );
    assert_eq!(hint(off().keeping_errors()), (false, true, true, roots));
    assert_eq!(
        hint(on().with_rule(Rule::drop().name("x"))),
        (false, true, false, roots)
    );
    assert_eq!(
        hint(on().with_rule(Rule::drop().path("/x"))),
        (true, true, false, roots)
    );
}

#[test]
fn attributes_are_built_only_for_spans_that_are_recorded_or_decided_by_them() {
    let built = |policy: SamplerPolicy, parent: Context| {
        let (telemetry, _) = TestTelemetry::with_policy(policy);
        let mut built = false;
        tracer(&telemetry).start(&parent, "span", SpanKind::Server, || {
            built = true;
            Vec::new()
        });
        built
    };
    let off = SamplerPolicy::always_off;
    let rules = || off().with_rule(Rule::keep().path("/x"));
    assert!(!built(off(), Context::new()));
    assert!(!built(off(), caller(LOW, false, "")));
    assert!(built(off(), caller(LOW, true, "")));
    assert!(built(rules(), Context::new()));
    assert!(!built(rules(), caller(LOW, false, "")));
    assert!(built(rules().ignoring_parents(), caller(LOW, false, "")));
    assert!(built(off().keeping_errors(), Context::new()));
}

#[test]
fn the_policy_changes_at_run_time_and_traces_that_have_begun_keep_theirs() {
    let (telemetry, sampler) = TestTelemetry::with_policy(SamplerPolicy::always_off());
    let tracer = tracer(&telemetry);
    let before = start(&tracer, &Context::new(), "before");
    sampler.set(SamplerPolicy::always_on());
    start(&tracer, &before, "child of before").span().end();
    let after = start(&tracer, &Context::new(), "after");
    sampler.set(SamplerPolicy::always_off().with_rule(Rule::keep().attribute("key", "value")));
    start(&tracer, &after, "child of after").span().end();
    after.span().end();
    start(&tracer, &Context::new(), "by attribute").span().end();
    sampler.set(SamplerPolicy::always_off());
    start(&tracer, &Context::new(), "off again").span().end();
    assert_eq!(
        telemetry.tree(&[]),
        "INTERNAL after\n  INTERNAL child of after\nINTERNAL by attribute\n"
    );
}

#[test]
fn changes_and_traces_on_many_threads_export_whole_traces_only() {
    const TRACES: usize = 500;
    let (telemetry, sampler) = TestTelemetry::with_policy(SamplerPolicy::always_off());
    let tracer = tracer(&telemetry);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                sampler.set(SamplerPolicy::ratio(0.5));
                sampler.set(SamplerPolicy::always_off().keeping_errors());
            }
        });
        let workers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    for n in 0..TRACES {
                        let root = start(&tracer, &Context::new(), "root");
                        start(&tracer, &root, "child").span().end();
                        if n % 2 == 0 {
                            fail(&root)
                        } else {
                            root.span().end()
                        }
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    let spans = telemetry.spans();
    let roots = spans.iter().filter(|span| span.name == "root").count();
    assert_eq!(spans.len(), 2 * roots);
    assert!(spans.iter().all(|span| span.span_context.is_sampled()));
}

#[test]
fn the_variables_of_the_specification_choose_the_sampler() {
    let chosen = |sampler: &str, argument: &str| {
        let telemetry = Config::new("shop")
            .with_environment([
                ("OTEL_TRACES_EXPORTER", "none"),
                ("OTEL_METRICS_EXPORTER", "none"),
                ("OTEL_LOGS_EXPORTER", "none"),
                ("OTEL_TRACES_SAMPLER", sampler),
                ("OTEL_TRACES_SAMPLER_ARG", argument),
            ])
            .with_file_system("/nowhere")
            .build()
            .unwrap();
        (
            format!("{:?}", telemetry.sampler().policy()),
            telemetry.warnings().to_vec(),
        )
    };
    let like = |policy: SamplerPolicy| format!("{policy:?}");
    for (sampler, argument, policy) in [
        ("", "", SamplerPolicy::always_on()),
        ("", "0.5", SamplerPolicy::always_on()),
        (
            "always_on",
            "",
            SamplerPolicy::always_on().ignoring_parents(),
        ),
        (
            "always_off",
            "",
            SamplerPolicy::always_off().ignoring_parents(),
        ),
        (
            "traceidratio",
            "0.25",
            SamplerPolicy::ratio(0.25).ignoring_parents(),
        ),
        ("parentbased_always_on", "x", SamplerPolicy::always_on()),
        ("parentbased_always_off", "", SamplerPolicy::always_off()),
        (
            "parentbased_traceidratio",
            "0.25",
            SamplerPolicy::ratio(0.25),
        ),
        ("parentbased_traceidratio", "", SamplerPolicy::ratio(1.0)),
        (
            "ParentBased_TraceIdRatio",
            "0.25",
            SamplerPolicy::ratio(0.25),
        ),
    ] {
        assert_eq!(
            chosen(sampler, argument),
            (like(policy), Vec::new()),
            "{sampler}"
        );
    }
    for (sampler, argument, policy) in [
        ("jaeger_remote", "", SamplerPolicy::always_on()),
        ("parentbased_jaeger_remote", "", SamplerPolicy::always_on()),
        ("xray", "", SamplerPolicy::always_on()),
        ("sometimes", "", SamplerPolicy::always_on()),
        ("parentbased_traceidratio", "1.5", SamplerPolicy::ratio(1.0)),
        ("parentbased_traceidratio", "NaN", SamplerPolicy::ratio(1.0)),
    ] {
        let (chosen, warnings) = chosen(sampler, argument);
        assert_eq!(chosen, like(policy), "{sampler}");
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("OTEL_TRACES_SAMPLER"), "{warnings:?}");
    }
}

#[test]
fn code_beats_the_environment() {
    let telemetry = Config::new("shop")
        .with_environment([
            ("OTEL_TRACES_EXPORTER", "console"),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
            ("OTEL_TRACES_SAMPLER", "always_off"),
        ])
        .with_file_system("/nowhere")
        .with_sampler(SamplerPolicy::always_on())
        .with_log_sink(|_| {})
        .build()
        .unwrap();
    let tracer = telemetry
        .providers()
        .tracer(InstrumentationScope::builder("test").build());
    assert!(
        start(&tracer, &Context::new(), "sampled")
            .span()
            .is_recording()
    );
    telemetry.set_sampler(SamplerPolicy::always_off());
    assert!(
        !start(&tracer, &Context::new(), "not sampled")
            .span()
            .is_recording()
    );
}

#[test]
fn a_rate_limit_counts_traces_and_not_spans() {
    let now = rate::monotonic()();
    let clock: rate::Clock = Arc::new(move || now);
    let share = share::Share::rate_limited_by(2.0, clock);
    let sampled = (0..5)
        .filter(|_| {
            share
                .sample(TraceId::from(LOW), &TraceState::NONE)
                .is_some()
        })
        .count();
    assert_eq!(sampled, 2);
    let (telemetry, _) = TestTelemetry::with_policy(SamplerPolicy::rate_limited(1.0));
    let tracer = tracer(&telemetry);
    for _ in 0..3 {
        let root = start(&tracer, &Context::new(), "root");
        (0..3).for_each(|_| start(&tracer, &root, "child").span().end());
        root.span().end();
    }
    assert_eq!(telemetry.spans().len(), 4);
}
