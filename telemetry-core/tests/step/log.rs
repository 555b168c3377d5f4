//! One log event a step, at the level its end deserves, with the step's ids.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use telemetry_core::{
    Config, Service, Verdict, opentelemetry::trace::TraceContextExt as _, pipeline::LogFormat,
    record_error, step, testing::TestTelemetry,
};

use crate::Declined;

/// The log lines with this filter, and the spans, as they end.
fn all(filter: &str, work: impl FnOnce()) -> Vec<Value> {
    // Tests that run side by side hear their events.
    let _others = TestTelemetry::new();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = lines.clone();
    let environment = [
        ("OTEL_TRACES_EXPORTER", "console"),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "none"),
        ("RUST_LOG", filter),
    ];
    let telemetry = Config::new(Service::new("shop").namespace("retail"))
        .with_environment(environment)
        .with_log_format(LogFormat::Json)
        .with_log_sink(move |line| {
            sink.lock()
                .unwrap()
                .push(serde_json::from_str(line).unwrap())
        })
        .build()
        .unwrap();
    let _default = telemetry.providers().set_default();
    let _subscriber = tracing::dispatcher::set_default(telemetry.dispatch());
    work();
    drop(_subscriber);
    let lines = lines.lock().unwrap();
    lines.clone()
}

/// [`all`] without the spans.
pub(crate) fn lines(filter: &str, work: impl FnOnce()) -> Vec<Value> {
    let mut lines = all(filter, work);
    lines.retain(|line| line.get("span").is_none());
    lines
}

/// The values of these keys in a line.
fn shown(line: &Value, keys: &[&str]) -> Value {
    keys.iter()
        .filter_map(|key| Some(((*key).to_owned(), line.get(key)?.clone())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[test]
fn every_end_has_its_level_and_fields() {
    let lines = lines("debug", || {
        let charge = || step("Charge").flow("checkout").stage("payment");
        charge().in_scope(|| ());
        let _ = charge().in_scope_with(|| Err::<(), _>(Declined), |_| Verdict::Rejected("no"));
        let _ = charge().in_scope(|| Err::<(), _>(Declined));
        drop(charge().start());
        let panics = || charge().in_scope(|| if true { panic!("oh") } else { Some(1) });
        let _ = catch_unwind(AssertUnwindSafe(panics));
    });
    let keys = [
        "level",
        "message",
        "step",
        "flow",
        "stage",
        "outcome",
        "reason",
        "error.type",
        "exception.message",
    ];
    let line = |level, outcome, message| {
        json!({
            "level": level, "message": message, "step": "Charge", "flow": "checkout", "stage": "payment",
            "outcome": outcome,
        })
    };
    let mut expected = [
        line("DEBUG", "ok", "step completed"),
        line("INFO", "rejected", "step rejected"),
        line("ERROR", "error", "step failed"),
        line("WARN", "cancelled", "step cancelled"),
        line("ERROR", "panicked", "step panicked"),
    ];
    expected[1]["reason"] = "no".into();
    expected[2]["error.type"] = "step::Declined".into();
    expected[2]["exception.message"] = "the gateway said no".into();
    expected[4]["error.type"] = "panic".into();
    let said: Vec<_> = lines.iter().map(|line| shown(line, &keys)).collect();
    assert_eq!(said, expected);
    for line in &lines {
        assert_eq!(line["target"], "telemetry_core::step");
        assert!(line["duration"].as_f64().unwrap() < 60.0);
    }
}

#[test]
fn a_classified_failure_names_its_class_and_the_type_of_the_error() {
    let lines = lines("info", || {
        let fails = || Err::<(), _>(Declined);
        let _ = step("Charge").in_scope_with(fails, |_| Verdict::Failed("gateway_down"));
    });
    let keys = ["error.type", "exception.type", "exception.message"];
    assert_eq!(
        shown(&lines[0], &keys),
        json!({
            "error.type": "gateway_down", "exception.type": "step::Declined",
            "exception.message": "the gateway said no",
        })
    );
}

#[test]
fn a_line_has_the_ids_of_its_step_wherever_the_step_ends() {
    let mut ids = Vec::new();
    let lines = lines("info", || {
        let outer = step("Outer").start();
        let inner = outer.in_scope(|| step("Inner").start());
        for guard in [&outer, &inner] {
            let span = guard.context().span().span_context().clone();
            ids.push((span.trace_id().to_string(), span.span_id().to_string()));
        }
        outer.in_scope(|| drop(inner));
        drop(outer);
    });
    let said: Vec<_> = lines
        .iter()
        .map(|line| {
            let id = |key| line[key].as_str().unwrap().to_owned();
            (id("trace_id"), id("span_id"))
        })
        .collect();
    assert_eq!(said, [ids[1].clone(), ids[0].clone()]);
}

#[test]
fn what_goes_well_is_not_said_and_a_filter_silences_steps_alone() {
    let works = || step("Works").in_scope(|| ());
    assert_eq!(lines("info", works).len(), 0);
    let fails = || {
        let _ = step("Fails").in_scope(|| Err::<(), _>(Declined));
        tracing::info!("mine");
    };
    let lines = lines("info,telemetry_core::step=off", fails);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["message"], "mine");
}

#[derive(Debug, thiserror::Error)]
#[error("no payment")]
struct NoPayment(#[from] Declined);

#[test]
fn an_error_is_recorded_once_on_its_way_up() {
    let lines = lines("info", || {
        let inner = || {
            step("Inner").in_scope(|| {
                record_error(&Declined);
                Err::<(), _>(Declined)
            })
        };
        step("Request").in_scope(|| {
            let failed = step("Outer").in_scope(inner);
            record_error(&NoPayment::from(failed.unwrap_err()));
        });
        step("Next request").in_scope(|| record_error(&NoPayment(Declined)));
    });
    let said: Vec<_> = lines
        .iter()
        .map(|line| {
            shown(
                line,
                &[
                    "message",
                    "step",
                    "exception.type",
                    "exception.message",
                    "exception.cause",
                ],
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            json!({"message": "exception", "exception.type": "step::Declined", "exception.message": "the gateway said no"}),
            json!({"message": "step failed", "step": "Inner"}),
            json!({"message": "step failed", "step": "Outer"}),
            json!({
                "message": "exception", "exception.type": "step::log::NoPayment", "exception.message": "no payment",
                "exception.cause": "the gateway said no",
            }),
        ]
    );
}

#[test]
fn tracing_spans_and_events_inside_a_step_belong_to_it() {
    let lines = all("info", || {
        step("Charge").in_scope(|| {
            tracing::info!("in the step");
            tracing::info_span!("gateway", attempt = 1).in_scope(|| {
                tracing::info!("in the span");
                step("Inner").in_scope(|| ());
            });
        });
    });
    let [in_step, in_span, inner, gateway, charge] = &lines[..] else {
        panic!("{lines:?}")
    };
    assert_eq!(
        [&inner["span"], &gateway["span"], &charge["span"]],
        ["Inner", "gateway", "Charge"]
    );
    assert_eq!(in_step["span_id"], charge["span_id"]);
    assert_eq!(in_span["span_id"], gateway["span_id"]);
    assert_eq!(gateway["parent_span_id"], charge["span_id"]);
    assert_eq!(inner["parent_span_id"], gateway["span_id"]);
    assert_eq!(gateway["attributes"]["attempt"], 1);
    assert_eq!(charge["attributes"]["retail.outcome"], "ok");
}
