//! The cost of one operation: run a case some number of times, and count the instructions of two such numbers.
//!
//! ```sh
//! cargo build --profile cost -p telemetry-core --example core_cost
//! for n in 1000 3000; do
//!     valgrind --tool=callgrind --callgrind-out-file=/dev/null target/cost/examples/core_cost log-json $n 2>&1 | grep Collected
//! done
//! ```
//!
//! The difference, divided by 2000, is the cost of one. Cases: `log-json`, `log-gcp`, `log-aws`, `log-stdout` (the same as
//! `log-json`, to standard output), `log-span-fields` (two `tracing` spans with three fields around it), `log-filtered`,
//! `step-sampled`, `step-within` (in another step), `step-below-unsampled` (below an unsampled span of this process, as in a
//! handler), `step-unsampled` (below a caller's, so with a span id of its own), `step-disabled`, `step-rejected` and
//! `step-rejected-silenced` (with a log line, and with a filter against it), `step-guard`, `counter`, `counter-exemplar` (with an
//! exemplar each time), `histogram`, `gauge`, `counter-disabled`, `nothing`.

use std::{future::Future, hint::black_box, pin::pin, process::ExitCode, task};

use telemetry_core::{
    Counter, Gauge, Histogram, Verdict, counter, gauge, histogram,
    opentelemetry::{
        Context, InstrumentationScope,
        trace::{SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId, TraceState},
    },
    pipeline::LogFormat,
    step,
    testing::unsent,
};

static CHECKOUTS: Counter = counter("retail.checkouts").unit("{checkout}");
static VALUE: Histogram = histogram("retail.checkout.value").unit("{cent}");
static STOCK: Gauge = gauge("retail.stock").unit("{item}");

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (Some(case), Some(Ok(count))) = (args.next(), args.next().map(|n| n.parse::<u64>())) else {
        return ExitCode::FAILURE;
    };
    let format = match case.as_str() {
        "log-gcp" => LogFormat::Gcp,
        "log-aws" => LogFormat::Aws,
        _ => LogFormat::Json,
    };
    let filter = match case.as_str() {
        "step-rejected-silenced" => "info,telemetry_core::step=warn",
        _ => "info",
    };
    let mut config = unsent()
        .with_setting("RUST_LOG", filter)
        .with_setting("GOOGLE_CLOUD_PROJECT", "shop-1")
        .with_log_format(format);
    if case == "log-span-fields" {
        config = config.with_setting("TELEMETRY_LOG_SPAN_FIELDS", "true");
    }
    if case == "counter-exemplar" {
        // As when traces are exported, and the span is sampled.
        config = config.with_setting("OTEL_METRICS_EXEMPLAR_FILTER", "always_on");
    }
    if case != "log-stdout" {
        config = config.with_log_sink(|line| {
            black_box(line);
        });
    }
    let Ok(telemetry) = config.build() else {
        return ExitCode::FAILURE;
    };
    let _subscriber = tracing::dispatcher::set_default(telemetry.dispatch());
    let _providers = (!case.ends_with("-disabled")).then(|| telemetry.providers().set_default());
    let scope = InstrumentationScope::builder("cost").build();
    let parent = match case.as_str() {
        "step-unsampled" => remote(TraceFlags::default()),
        "step-below-unsampled" => telemetry.providers().tracer(scope).start(
            &remote(TraceFlags::default()),
            "GET /",
            SpanKind::Server,
            Vec::new,
        ),
        _ => telemetry.providers().tracer(scope).start(
            &Context::new(),
            "GET /",
            SpanKind::Server,
            Vec::new,
        ),
    };
    let _request = parent.attach();
    let outer = (case == "step-within").then(|| step("Checkout").flow("checkout").start());
    let _outer = outer.as_ref().map(|outer| outer.context().attach());
    let _spans = (case == "log-span-fields").then(|| {
        let outer = tracing::info_span!("checkout", user_id = 7, tenant = "acme").entered();
        (tracing::info_span!("cart", items = 3).entered(), outer)
    });
    for i in 0..count {
        match case.as_str() {
            "log-json" | "log-gcp" | "log-aws" | "log-stdout" | "log-span-fields" => {
                tracing::info!(
                    order_id = i,
                    sku = "SKU-1",
                    available = true,
                    "inventory checked"
                )
            }
            "log-filtered" => tracing::debug!(order_id = i, sku = "SKU-1", "inventory checked"),
            "nothing" => {
                black_box(i);
            }
            "counter" | "counter-exemplar" | "counter-disabled" => {
                CHECKOUTS.add(1, ("retail.outcome", "ok"))
            }
            "histogram" => VALUE.record(i, ("retail.outcome", "ok")),
            "gauge" => STOCK.set(i, ("retail.sku", "SKU-1")),
            "step-guard" => step("Verify")
                .flow("checkout")
                .stage("inventory")
                .start()
                .ok(),
            "step-rejected" | "step-rejected-silenced" => run(step("Verify")
                .flow("checkout")
                .stage("inventory")
                .run_with(async { Err::<u64, _>(std::fmt::Error) }, |_| {
                    Verdict::Rejected("no")
                })),
            _ => run(step("Verify")
                .flow("checkout")
                .stage("inventory")
                .run(async { Ok::<_, std::fmt::Error>(i) })),
        }
    }
    ExitCode::SUCCESS
}

fn remote(flags: TraceFlags) -> Context {
    let (trace, span) = (TraceId::from(1), SpanId::from(2));
    Context::new().with_remote_span_context(SpanContext::new(
        trace,
        span,
        flags,
        true,
        TraceState::default(),
    ))
}

fn run(future: impl Future) {
    let mut cx = task::Context::from_waker(task::Waker::noop());
    let mut future = pin!(future);
    while future.as_mut().poll(&mut cx).is_pending() {}
}
