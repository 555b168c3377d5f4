use std::sync::Mutex;

use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use tracing_subscriber::{Registry, layer::SubscriberExt};

use super::*;
use crate::{CorrelationId, Principal};

fn lines(format: LogFormat, log: impl FnOnce()) -> Vec<String> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = LogSink::new({
        let lines = lines.clone();
        move |line| lines.lock().unwrap().push(line.to_owned())
    });
    let subscriber = Registry::default().with(LogLayer::new(format, sink, "shop", None));
    tracing::subscriber::with_default(subscriber, log);
    let lines = lines.lock().unwrap();
    lines.clone()
}

fn traced() -> Context {
    let span = SpanContext::new(
        TraceId::from(0xabc),
        SpanId::from(0xdef),
        TraceFlags::default(),
        false,
        TraceState::default(),
    );
    Context::new().with_remote_span_context(span)
}

#[test]
fn a_json_line_has_flat_typed_fields_and_the_ids_of_the_context() {
    let lines = lines(LogFormat::Json, || {
        let _request = CorrelationId::parse("abc-123")
            .unwrap()
            .attach_to(&traced())
            .attach();
        tracing::info!(
            order_id = 7,
            total = 1.5,
            paid = true,
            sku = "SKU-1",
            level = "mine",
            "order {}",
            "created"
        );
    });
    let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(line["message"], "order created");
    assert_eq!(
        (&line["level"], &line["field.level"]),
        (&"INFO".into(), &"mine".into())
    );
    assert_eq!(
        (&line["order_id"], &line["total"], &line["paid"]),
        (&7.into(), &1.5.into(), &true.into())
    );
    assert_eq!(
        (&line["sku"], &line["service.name"]),
        (&"SKU-1".into(), &"shop".into())
    );
    assert_eq!(line["trace_id"], "00000000000000000000000000000abc");
    assert_eq!(line["span_id"], "0000000000000def");
    assert_eq!(line["correlation_id"], "abc-123");
    assert!(humantime::parse_rfc3339(line["timestamp"].as_str().unwrap()).is_ok());
}

#[test]
fn outside_of_a_request_there_are_no_ids() {
    let lines = lines(LogFormat::Json, || tracing::warn!("starting"));
    let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert!(line.get("trace_id").is_none() && line.get("correlation_id").is_none());
}

#[test]
fn hostile_values_stay_one_line_and_valid_json() {
    let hostile = "a\"b\\c\nd\u{1b}[2J\u{0}é\u{2028}";
    for format in [LogFormat::Json, LogFormat::Readable] {
        let lines = lines(
            format,
            || tracing::info!(hostile, debug = ?hostile, nan = f64::NAN, "{hostile}"),
        );
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].matches('\n').count(), 1, "{:?}", lines[0]);
        assert!(!lines[0].contains('\u{1b}'));
        if format == LogFormat::Json {
            let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
            assert_eq!(line["hostile"], hostile);
            assert_eq!(line["message"], hostile);
        }
    }
}

#[test]
fn a_readable_line_has_its_message_first() {
    let lines = lines(LogFormat::Readable, || {
        let _request = traced().attach();
        tracing::info!(sku = "SKU 1", n = 2, "reserved");
    });
    let rest = &lines[0][12..];
    assert!(
        rest.contains(
            " INFO telemetry_core::pipeline::logs::tests: reserved sku=\"SKU 1\" n=2 trace_id="
        ),
        "{rest}"
    );
}

#[test]
fn a_value_that_logs_while_it_is_formatted_does_not_deadlock_or_mix_lines() {
    struct Chatty;
    impl std::fmt::Debug for Chatty {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            tracing::info!("inner");
            f.write_str("chatty")
        }
    }
    let lines = lines(LogFormat::Json, || tracing::info!(value = ?Chatty, "outer"));
    assert!(!lines.is_empty());
    for line in lines {
        serde_json::from_str::<serde_json::Value>(&line).unwrap();
    }
}

#[test]
fn a_line_says_on_whose_behalf_it_was_written_and_no_field_can_pose_as_that() {
    let principal = Principal::new("ada").with_roles(["customer", "go\"ld"]);
    let log = || {
        tracing::info!(user.id = 7, user.roles = "mine", "nobody's");
        let _principal = principal.clone().attach_to(&Context::new()).attach();
        tracing::info!(user.id = 7, user.roles = "admin", "somebody's");
    };
    let json: Vec<serde_json::Value> = lines(LogFormat::Json, log)
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (&json[0]["user.id"], &json[0]["user.roles"]),
        (&7.into(), &"mine".into())
    );
    assert_eq!(json[1]["user.hash"], principal.hash().unwrap());
    assert_eq!(
        json[1]["user.roles"],
        serde_json::json!(["customer", "go\"ld"])
    );
    assert_eq!(json[1]["field.user.roles"], "admin");

    let readable = lines(LogFormat::Readable, log);
    let hash = principal.hash().unwrap();
    let end = format!(
        " user.hash={hash:?} user.roles={:?}\n",
        ["customer", "go\"ld"]
    );
    assert!(readable[1].ends_with(&end), "{readable:?}");
}
