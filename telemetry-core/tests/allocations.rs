//! How many allocations a step takes, and a business metric. Alone in its binary: the counting allocator is the process's.

// Clippy knows test functions, not their helpers.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    pin::pin,
    task::{Context as TaskContext, Waker},
};

use telemetry_core::{
    Counter, Gauge, Histogram, Providers, Telemetry, UpDownCounter, Verdict, counter, gauge,
    histogram,
    opentelemetry::{
        Context, InstrumentationScope,
        trace::{SpanContext, SpanId, SpanKind, TraceContextExt as _, TraceFlags, TraceId},
    },
    step,
    testing::unsent,
    up_down_counter,
};

static CHECKOUTS: Counter = counter("retail.checkouts");
static VALUE: Histogram = histogram("retail.checkout.value");
static STOCK: Gauge = gauge("retail.stock");
static CARTS: UpDownCounter = up_down_counter("retail.carts");

fn telemetry() -> Telemetry {
    // Without a place for spans none would be recorded.
    unsent()
        .with_resource_attribute("service.namespace", "retail")
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
    let described = || {
        let verify = verify().attr("sku", "SKU-1");
        verify.attr_sensitive("user", "ada").in_scope(|| ());
    };
    assert_eq!(
        allocations(None, described),
        0,
        "described, without a pipeline"
    );
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

#[test]
fn a_business_metric_allocates_nothing_once_its_series_is_bound() {
    let telemetry = telemetry();
    let record = || {
        CHECKOUTS.add(1, (("retail.outcome", "ok"), ("retail.express", true)));
        VALUE.record(3998, ("retail.outcome", "ok"));
        STOCK.set(23, ("retail.sku", "SKU-2"));
        CARTS.add(-1, ());
    };
    assert_eq!(allocations(None, record), 0, "without a pipeline");
    let _default = telemetry.providers().set_default();
    for flags in [TraceFlags::SAMPLED, TraceFlags::NOT_SAMPLED] {
        let cx = request(telemetry.providers(), flags);
        assert_eq!(allocations(Some(&cx), record), 0, "{flags:?}");
    }
}
