//! Business steps, each ending once whatever way it ends.

// Clippy knows test functions, not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod attribute;
mod causes;
mod current;
mod forms;
mod log;

use std::{future::pending, panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use opentelemetry::{
    Context,
    trace::{FutureExt as _, SpanKind},
};
use telemetry_core::{
    Verdict, pipeline::SamplerPolicy, set_attribute, step, testing::TestTelemetry,
};

const SHOWN: [&str; 5] = [
    "retail.flow",
    "retail.stage",
    "retail.outcome",
    "retail.reason",
    "error.type",
];

#[derive(Debug, thiserror::Error)]
#[error("the gateway said no")]
struct Declined;

#[tokio::test]
async fn steps_nest_and_name_their_flow_and_stage() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    let inner = async {
        set_attribute("sku", "SKU-1");
        Ok::<_, Declined>(7)
    };
    let outer = async {
        step("Verify")
            .flow("checkout")
            .stage("inventory")
            .attr("tries", 1)
            .run(inner)
            .await
    };
    let result = step("Process").flow("checkout").run(outer).await;

    assert_eq!(result.unwrap(), 7);
    assert_eq!(
        telemetry.tree(&[
            "retail.flow",
            "retail.stage",
            "retail.outcome",
            "tries",
            "sku"
        ]),
        r#"INTERNAL Process retail.flow="checkout" retail.outcome="ok"
  INTERNAL Verify retail.flow="checkout" retail.stage="inventory" retail.outcome="ok" tries=1 sku="SKU-1"
"#
    );
    let series = r#"retail_steps_total{retail_flow="checkout",retail_outcome="ok",retail_stage="inventory"}"#;
    assert_eq!(
        telemetry.metric(series),
        Some(1.0),
        "{}",
        telemetry.metrics()
    );
    let count = r#"retail_step_duration_seconds_count{retail_flow="checkout",retail_outcome="ok"}"#;
    assert_eq!(
        telemetry.metric(count),
        Some(1.0),
        "{}",
        telemetry.metrics()
    );
}

#[tokio::test]
async fn a_step_of_a_trace_that_is_kept_says_as_much_as_a_sampled_one() {
    let (telemetry, _) = TestTelemetry::with_policy(SamplerPolicy::always_off().keeping_errors());
    let _default = telemetry.providers().set_default();
    for fails in [false, true] {
        let verify = async { step("Verify").run(async { Ok::<_, Declined>(1) }).await };
        let outer = async {
            verify.await?;
            if fails { Err(Declined) } else { Ok(()) }
        };
        let _ = step("Process").run(outer).await;
    }
    assert_eq!(
        telemetry.tree(&["retail.outcome", "error.type"]),
        concat!(
            "INTERNAL Process retail.outcome=\"error\" error.type=\"step::Declined\" ERROR (the gateway said no)\n",
            "  INTERNAL Verify retail.outcome=\"ok\"\n",
        )
    );
}

#[tokio::test]
async fn an_error_fails_the_step_and_a_rejection_does_not() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    let failed = step("Charge").run(async { Err::<(), _>(Declined) }).await;
    let rejected = step("Charge")
        .run_with(async { Err::<(), _>(Declined) }, |_| {
            Verdict::Rejected("declined")
        })
        .await;

    assert!(failed.is_err() && rejected.is_err());
    assert_eq!(
        telemetry.tree(&SHOWN),
        r#"INTERNAL Charge retail.outcome="error" error.type="step::Declined" ERROR (the gateway said no)
INTERNAL Charge retail.outcome="rejected" retail.reason="declined"
"#
    );
}

#[tokio::test]
async fn a_dropped_step_is_cancelled_and_a_panicking_one_panicked() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    let slow = step("Slow").run(pending::<Result<(), Declined>>());
    assert!(
        tokio::time::timeout(Duration::from_millis(1), slow)
            .await
            .is_err()
    );
    let panics = step("Panics").run(async {
        if true {
            panic!("oh")
        } else {
            Ok::<_, Declined>(())
        }
    });
    assert!(AssertUnwindSafe(panics).catch_unwind().await.is_err());
    drop(step("Never polled").run(pending::<Result<(), Declined>>()));

    assert_eq!(
        telemetry.tree(&SHOWN),
        r#"INTERNAL Slow retail.outcome="cancelled"
INTERNAL Panics retail.outcome="panicked" error.type="panic" ERROR (panicked)
"#
    );
    let series = r#"retail_steps_total{error_type="panic",retail_outcome="panicked"}"#;
    assert_eq!(
        telemetry.metric(series),
        Some(1.0),
        "{}",
        telemetry.metrics()
    );
}

#[tokio::test]
async fn without_a_pipeline_the_future_just_runs() {
    assert_eq!(
        step("Quiet")
            .flow("f")
            .run(async { Ok::<_, Declined>(3) })
            .await
            .unwrap(),
        3
    );
}

#[tokio::test]
async fn an_unsampled_step_is_counted_and_not_exported() {
    let telemetry = TestTelemetry::with_sampler(opentelemetry_sdk::trace::Sampler::AlwaysOff);
    let _default = telemetry.providers().set_default();
    step("Quiet")
        .run(async { Ok::<_, Declined>(()) })
        .await
        .unwrap();
    assert_eq!(telemetry.tree(&[]), "");
    assert_eq!(
        telemetry.metric(r#"retail_steps_total{retail_outcome="ok"}"#),
        Some(1.0)
    );
}

#[tokio::test]
async fn a_step_belongs_to_the_context_it_is_polled_in() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    let tracer = telemetry
        .providers()
        .tracer(opentelemetry::InstrumentationScope::builder("t").build());
    let request = tracer.start(&Context::new(), "GET /", SpanKind::Server, Vec::new);
    step("Inside")
        .run(async { Ok::<_, Declined>(()) })
        .with_context(request.clone())
        .await
        .unwrap();
    opentelemetry::trace::TraceContextExt::span(&request).end();
    assert_eq!(telemetry.tree(&[]), "SERVER GET /\n  INTERNAL Inside\n");
}
