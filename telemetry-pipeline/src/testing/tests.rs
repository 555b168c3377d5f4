mod leaks_and_secrets;
mod shipped_parts;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, UNIX_EPOCH},
};

use opentelemetry::{
    Context, InstrumentationScope, KeyValue,
    trace::{SpanKind, Status, TraceContextExt, TraceId},
};
use opentelemetry_sdk::trace::Sampler;
use tracing::Level;

use super::*;
use telemetry_api::{correlation::CorrelationId, instrument::scrape::ScrapeFormat, step};

/// The message of an assertion that fails.
fn failure(assertion: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(assertion)).expect_err("it must fail");
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("shop").build()
}

fn start(telemetry: &TestTelemetry, parent: &Context, name: &'static str) -> Context {
    let tracer = telemetry.providers().tracer(scope());
    tracer.start(parent, name, SpanKind::Server, Vec::new)
}

/// A request with two steps, the second of which fails.
async fn checkout(telemetry: &TestTelemetry) {
    use opentelemetry::trace::FutureExt as _;
    let request = start(telemetry, &Context::new(), "POST /checkout");
    let work = async {
        let reserve = step("Reserve").flow("checkout").stage("inventory");
        let reserved = reserve.attr("shop.quantity", 2);
        let _ = reserved.run(async { Ok::<_, std::fmt::Error>(()) }).await;
        let charge = step("Charge").stage("payment").run(async {
            tracing::warn!(attempt = 2, gateway = "north", "card declined");
            Err::<(), _>(std::fmt::Error)
        });
        let _ = charge.await;
    };
    work.with_context(request.clone()).await;
    request.span().end();
}

#[tokio::test]
async fn spans_are_asserted_on_step_by_step_and_failures_show_the_tree() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.set_default();
    checkout(&telemetry).await;

    telemetry
        .assert_span("Reserve")
        .child_of("POST /checkout")
        .descendant_of("POST /checkout")
        .kind(SpanKind::Internal)
        .with("retail.stage", "inventory")
        .with("shop.quantity", 2)
        .without("error.type")
        .outcome("ok")
        .no_error()
        .count(1);
    telemetry
        .assert_span("Charge")
        .outcome("error")
        .with_key("error.type")
        .error()
        .error_containing("formatting");
    let root = telemetry.assert_span("POST /checkout").root().one();
    telemetry
        .assert_span("Charge")
        .in_trace(root.span_context.trace_id());
    telemetry.assert_no_span("Refund");
    telemetry.assert_tree(
        &["retail.stage"],
        r#"
        SERVER POST /checkout
          INTERNAL Reserve retail.stage="inventory"
          INTERNAL Charge retail.stage="payment" ERROR (an error occurred when formatting an argument)
        "#,
    );

    let span = |name| telemetry.assert_span(name);
    let tree = [
        "SERVER POST /checkout\n",
        "INTERNAL Reserve retail.flow=\"checkout\" retail.stage=\"inventory\" shop.quantity=2 retail.outcome=\"ok\"\n",
        "INTERNAL Charge retail.stage=\"payment\" retail.outcome=\"error\"",
    ];
    let said = failure(|| drop(span("Reserve").with("retail.stage", "payment")));
    assert!(
        said.starts_with("no span \"Reserve\" with retail.stage=\"payment\"\n"),
        "{said}"
    );
    assert!(tree.iter().all(|line| said.contains(line)), "{said}");
    assert!(said.contains("\n>   INTERNAL Reserve"), "{said}");
    for assertion in [
        &(|| drop(span("Refund"))) as &dyn Fn(),
        &|| drop(span("Reserve").child_of("Charge")),
        &|| drop(span("POST /checkout").descendant_of("POST /checkout")),
        &|| drop(span("Reserve").root()),
        &|| drop(span("Reserve").kind(SpanKind::Client)),
        &|| drop(span("Reserve").with("shop.quantity", "2")),
        &|| drop(span("Reserve").with_key("error.type")),
        &|| drop(span("Charge").without("error.type")),
        &|| drop(span("Reserve").outcome("rejected")),
        &|| drop(span("Reserve").error()),
        &|| drop(span("Charge").error_containing("else")),
        &|| drop(span("Charge").no_error()),
        &|| drop(span("Charge").event("exception")),
        &|| drop(span("Charge").linked_to(&root.span_context)),
        &|| drop(span("Charge").in_trace(TraceId::from(1))),
        &|| drop(span("Charge").count(2)),
        &|| telemetry.assert_no_span("Charge"),
        &|| telemetry.assert_tree(&[], "SERVER POST /checkout"),
    ] {
        let said = failure(assertion);
        assert!(said.contains("SERVER POST /checkout"), "{said}");
    }
}

#[test]
fn a_parent_and_a_forbidden_span_count_before_they_have_ended() {
    let telemetry = TestTelemetry::new();
    let parent = start(&telemetry, &Context::new(), "GET /");
    start(&telemetry, &parent, "SELECT").span().end();
    telemetry.assert_span("SELECT").child_of("GET /");
    let said = failure(|| telemetry.assert_no_span("GET /"));
    assert!(said.contains("still open: GET /"), "{said}");
    assert_eq!(telemetry.open_spans(), ["GET /"]);
}

#[test]
fn events_and_links_are_found() {
    let telemetry = TestTelemetry::new();
    let first = start(&telemetry, &Context::new(), "first");
    let cx = start(&telemetry, &Context::new(), "second");
    let linked = first.span().span_context().clone();
    cx.span().add_link(linked.clone(), Vec::new());
    cx.span().add_event("exception", Vec::new());
    cx.span().end();
    telemetry
        .assert_span("second")
        .event("exception")
        .linked_to(&linked)
        .that("without attributes", |span| span.attributes.is_empty());
}

#[tokio::test]
async fn instruments_are_queried_by_attributes_and_failures_list_the_series() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.set_default();
    checkout(&telemetry).await;
    let meter = telemetry.providers().meter(scope());
    let open = meter.i64_up_down_counter("shop.open").build();
    open.add(3, &[KeyValue::new("n", 1)]);
    meter.f64_gauge("shop.heat").build().record(0.5, &[]);

    let steps = || telemetry.instrument("retail.steps");
    assert_eq!((steps().series(), steps().value()), (2, 2.0));
    steps().with("retail.outcome", "ok").assert_value(1.0);
    steps().without("error.type").assert_value(1.0);
    steps().with("retail.outcome", "rejected").assert_absent();
    let durations = telemetry.instrument("retail.step.duration");
    durations.clone().assert_count(2);
    assert!(durations.sum() > 0.0);
    assert_eq!(telemetry.instrument("shop.open").with("n", 1).value(), 3.0);
    assert_eq!(telemetry.instrument("shop.heat").value(), 0.5);

    let said = failure(|| {
        let _ = steps().with("retail.outcome", "rejected").value();
    });
    assert!(
        said.starts_with("no series retail.steps with retail.outcome=\"rejected\"; there are\n"),
        "{said}"
    );
    assert!(said.contains("  shop.open n=1: 3\n"), "{said}");
    let said = failure(|| drop(steps().assert_value(3.0)));
    assert!(said.starts_with("retail.steps is 2 and not 3:\n"), "{said}");
    let said = failure(|| drop(durations.clone().assert_count(3)));
    assert!(said.contains("retail.stage=\"payment\": count 1"), "{said}");
    assert!(
        failure(|| {
            let _ = durations.value();
        })
        .contains("has no value")
    );
    assert!(
        failure(|| {
            let _ = steps().count();
        })
        .contains("is no histogram")
    );
    assert!(failure(|| steps().assert_absent()).contains("retail.steps"));
    let said = failure(|| {
        let _ = telemetry.instrument("shop.open").with("n", "1").value();
    });
    assert!(said.contains("no series shop.open with n=\"1\""), "{said}");
}

#[tokio::test]
async fn log_records_have_the_ids_of_their_span_and_are_asserted_on() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.set_default();
    let cx = CorrelationId::parse("abc-123")
        .unwrap()
        .attach_to(&Context::new());
    {
        let _request = cx.attach();
        checkout(&telemetry).await;
        tracing::info!(name: "shop.closed", target: "shop", till = 3, "closed");
    }
    let charge = telemetry.assert_span("Charge").one();
    let record = telemetry
        .assert_log("declined")
        .level(Level::WARN)
        .target(module_path!())
        .with("attempt", 2)
        .with("gateway", "north")
        .in_span("Charge")
        .in_trace(charge.span_context.trace_id())
        .one();
    assert_eq!(record.message, "card declined");
    assert_eq!(record.span_id, Some(charge.span_context.span_id()));
    telemetry
        .assert_log("closed")
        .event_name("shop.closed")
        .correlation_id("abc-123")
        .count(1);
    let lines = telemetry.log_lines();
    let warning = lines.iter().find(|line| line.contains("card declined"));
    let line: serde_json::Value = serde_json::from_str(warning.unwrap()).unwrap();
    assert_eq!(line["span_id"], charge.span_context.span_id().to_string());

    let log = |text| telemetry.assert_log(text);
    let said = failure(|| drop(log("card").level(Level::ERROR)));
    assert!(
        said.starts_with("no log record \"card\" at ERROR\n"),
        "{said}"
    );
    assert!(
        said.contains("> WARN ") && said.contains("attempt=2 gateway=\"north\""),
        "{said}"
    );
    for assertion in [
        &(|| drop(log("nothing"))) as &dyn Fn(),
        &|| drop(log("card").with("attempt", "2")),
        &|| drop(log("card").in_span("Reserve")),
        &|| drop(log("card").target("else")),
        &|| drop(log("card").event_name("else")),
        &|| drop(log("card").correlation_id("else")),
        &|| drop(log("card").in_trace(TraceId::from(1))),
        &|| drop(log("card").count(2)),
        &|| telemetry.assert_no_log_above(Level::WARN),
    ] {
        let said = failure(assertion);
        assert!(said.contains("card declined"), "{said}");
    }
}

#[tokio::test]
async fn spans_of_tracing_are_spans_and_the_transports_are_not() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.set_default();
    tracing::info_span!("pick", shelf = 3).in_scope(|| tracing::debug!("picked"));
    tracing::info_span!(target: "hyper::proto", "io").in_scope(|| {
        tracing::warn!(target: "h2::codec", "noise");
    });
    telemetry.assert_span("pick").with("shelf", 3);
    telemetry.assert_log("picked").in_span("pick");
    assert_eq!((telemetry.spans().len(), telemetry.logs().len()), (1, 1));
}

#[test]
fn ids_of_one_seed_are_the_same_in_every_run_and_spread_over_all_bits() {
    let ids = |seed| {
        let telemetry = TestTelemetry::builder().with_deterministic_ids(seed);
        let telemetry = telemetry.build();
        for _ in 0..3 {
            start(&telemetry, &Context::new(), "GET /").span().end();
        }
        let spans = telemetry.spans();
        let ids = spans.iter().map(|span| {
            let cx = &span.span_context;
            format!("{}-{}", cx.trace_id(), cx.span_id())
        });
        ids.collect::<Vec<_>>()
    };
    let one = ids(1);
    assert_eq!(one, ids(1));
    let distinct: std::collections::HashSet<_> = one.iter().chain(&ids(2)).cloned().collect();
    assert_eq!(distinct.len(), 6);
    // The same for everybody who runs this, today and tomorrow.
    assert_eq!(one[0], "5f552ce482f2aa4770335fc3daf3d8a7-bfef8030ddc2d772");
    // A sampler that reads ids as numbers takes about its share.
    let sampler = Sampler::TraceIdRatioBased(0.25);
    let quarter = TestTelemetry::builder()
        .with_deterministic_ids(7)
        .with_sampler(sampler)
        .build();
    for _ in 0..400 {
        start(&quarter, &Context::new(), "GET /").span().end();
    }
    assert!((60..140).contains(&quarter.spans().len()));
}

#[test]
fn times_are_those_of_the_clock() {
    let noon = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let telemetry = TestTelemetry::builder().with_clock(noon).build();
    let _default = telemetry.set_default();
    let clock = telemetry.clock().unwrap();
    let second = Duration::from_secs(1);
    assert_eq!(clock.now(), noon);
    let cx = start(&telemetry, &Context::new(), "GET /");
    clock.advance(second);
    cx.span().add_event("half way", Vec::new());
    tracing::info!("half way");
    clock.advance(2 * second);
    cx.span().end();
    let span = telemetry.assert_span("GET /").one();
    assert_eq!((span.start_time, span.end_time), (noon, noon + 3 * second));
    assert_eq!(span.events[0].timestamp, noon + second);
    let record = telemetry.assert_log("half way").one();
    assert_eq!(record.timestamp, Some(noon + second));
    // A time that was set by hand is kept.
    assert_eq!(clock.shown(UNIX_EPOCH), UNIX_EPOCH);
    assert!(TestTelemetry::new().clock().is_none());
}

#[test]
fn worker_threads_of_a_runtime_can_adopt_the_telemetry() {
    let telemetry = TestTelemetry::builder().with_namespace("shop").build();
    let adopting = telemetry.clone();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .on_thread_start(move || adopting.adopt_thread())
        .build()
        .unwrap();
    runtime.block_on(async {
        let work = |_| async {
            let work = async {
                tokio::task::yield_now().await;
                tracing::info!("working");
                Ok::<_, std::fmt::Error>(())
            };
            step("Work").run(work).await
        };
        let tasks: Vec<_> = (0..20).map(|n| tokio::spawn(work(n))).collect();
        assert_eq!(telemetry.wait_for_spans(20).await.len(), 20);
        for task in tasks {
            task.await.unwrap().unwrap();
        }
    });
    telemetry.assert_span("Work").outcome("ok").count(20);
    telemetry.assert_log("working").in_span("Work").count(20);
    telemetry.instrument("shop.steps").assert_value(20.0);
}

#[tokio::test]
async fn waiting_in_vain_says_what_there_is() {
    let telemetry = TestTelemetry::new();
    let cx = start(&telemetry, &Context::new(), "GET /slow");
    start(&telemetry, &cx, "SELECT").span().end();
    let waiting = tokio::spawn({
        let telemetry = telemetry.clone();
        async move { telemetry.wait_within(2, Duration::from_millis(50)).await }
    });
    let panic = waiting.await.unwrap_err().into_panic();
    let said = panic.downcast_ref::<String>().unwrap();
    assert!(said.contains("SERVER SELECT"), "{said}");
    assert!(said.contains("still open: GET /slow"), "{said}");
}

#[tokio::test]
async fn two_telemetries_in_one_thread_do_not_mix_and_one_can_begin_again() {
    let (one, other) = (TestTelemetry::new(), TestTelemetry::new());
    let _outer = one.set_default();
    {
        let _inner = other.set_default();
        checkout(&other).await;
    }
    assert!(one.spans().is_empty() && one.logs().is_empty());
    checkout(&one).await;
    assert_eq!((one.spans().len(), other.spans().len()), (3, 3));
    // The warning, and what each of the two steps says of itself.
    assert_eq!((one.logs().len(), other.logs().len()), (3, 3));
    one.reset();
    assert!(one.spans().is_empty() && one.logs().is_empty() && one.log_lines().is_empty());
    tracing::warn!("no error");
    one.assert_no_log_above(Level::ERROR);
    one.instrument("retail.steps").assert_value(2.0);
}
