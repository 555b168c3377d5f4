//! How many allocations a step takes. Alone in its binary: the counting allocator is the process's.

// Clippy knows test functions, not their helpers.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    pin::pin,
    task::{Context as TaskContext, Waker},
};

use telemetry_core::{
    Config, Providers, Service, Telemetry, Verdict,
    opentelemetry::{
        Context, InstrumentationScope,
        trace::{SpanContext, SpanId, SpanKind, TraceContextExt as _, TraceFlags, TraceId},
    },
    step,
};

fn telemetry() -> Telemetry {
    let quiet = ["TRACES", "METRICS", "LOGS"].map(|it| (format!("OTEL_{it}_EXPORTER"), "none"));
    Config::new(Service::new("shop").namespace("retail"))
        .with_environment(quiet)
        .build()
        .unwrap()
}

/// In a request whose caller has decided that.
fn request(providers: &Providers, flags: TraceFlags) -> Context {
    let (trace, span) = (TraceId::from(1), SpanId::from(2));
    let caller = SpanContext::new(trace, span, flags, true, Default::default());
    let caller = Context::new().with_remote_span_context(caller);
    let tracer = providers.tracer(InstrumentationScope::builder("server").build());
    tracer.start(&caller, "GET /", SpanKind::Server, Vec::new)
}

/// The allocations of the third time; the first ones bind the series.
fn allocations(cx: Option<&Context>, step: impl Fn()) -> u64 {
    let _attached = cx.map(|cx| cx.clone().attach());
    step();
    step();
    allocation_counter::measure(step).count_total
}

fn poll(future: impl Future) {
    let ready = pin!(future).poll(&mut TaskContext::from_waker(Waker::noop()));
    assert!(ready.is_ready());
}

#[test]
fn a_step_stays_within_its_allocation_budgets() {
    let telemetry = telemetry();
    let verify = || step("Verify").flow("checkout").stage("inventory");
    let future = || poll(verify().run(async { Ok::<_, std::fmt::Error>(1) }));
    let closure = || verify().in_scope(|| ());
    let guard = || verify().start().ok();
    let rejected = || {
        let answer = || Err::<(), _>(std::fmt::Error);
        let _ = verify().in_scope_with(answer, |_| Verdict::Rejected("no"));
    };
    let forms: [(&str, &dyn Fn()); 4] = [
        ("future", &future),
        ("closure", &closure),
        ("guard", &guard),
        ("rejected", &rejected),
    ];
    for (form, step) in forms {
        assert_eq!(allocations(None, step), 0, "{form} without a pipeline");
    }
    let _default = telemetry.providers().set_default();
    let sampled = request(telemetry.providers(), TraceFlags::SAMPLED);
    let unsampled = request(telemetry.providers(), TraceFlags::NOT_SAMPLED);
    for (form, step) in forms {
        assert_eq!(allocations(Some(&unsampled), step), 0, "{form} unsampled");
        // The span, its record, its place in a context, its attributes; and three that remember the request's span.
        assert_eq!(allocations(Some(&sampled), step), 7, "{form} sampled");
    }
    let _request = sampled.attach();
    for (form, step) in forms {
        let within = verify().in_scope_classified(|| allocations(None, step), |_| Verdict::Ok);
        assert_eq!(within, 4, "{form} in another");
    }
}
