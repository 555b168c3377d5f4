mod broken_values;
mod cloud_formats;
mod fields_of_spans;
mod forged_text;
mod log_crate_records;
mod our_lines;
mod parents;
mod step_records;

use std::sync::{Arc, Mutex, OnceLock};

use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use proptest::prelude::*;
use serde_json::{Value, json};
use tracing_subscriber::{Layer, Registry, layer::SubscriberExt};

use super::*;
use telemetry_api::{correlation::CorrelationId, principal::Principal};

#[derive(Clone, Copy)]
struct Logging {
    format: LogFormat,
    project: &'static str,
    filter: &'static str,
    span_fields: bool,
}

const JSON: Logging = Logging {
    format: LogFormat::Json,
    project: "",
    filter: "trace",
    span_fields: false,
};

fn filters(logs: &str, span_fields: bool) -> FilterHandle {
    FilterHandle::new(FilterChoices {
        logs,
        spans: "info",
        own_level: None,
        span_fields,
        transport_logs: true,
    })
}

fn logged(logging: Logging, log: impl FnOnce()) -> Vec<String> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = LogSink::new({
        let lines = lines.clone();
        move |line| lines.lock().unwrap().push(line.to_owned())
    });
    let filters = filters(logging.filter, logging.span_fields);
    let output = LogOutput {
        form: Form::new(logging.format, "shop", logging.project),
        sink,
        otlp: None,
        span_fields: logging.span_fields,
        prefix: business_prefix("shop"),
        dispatch: OnceLock::new(),
    };
    let layer = LogLayer(Arc::new(output)).with_filter(filters.of_logs());
    tracing::subscriber::with_default(Registry::default().with(layer), log);
    let lines = lines.lock().unwrap();
    lines.clone()
}

fn lines(format: LogFormat, log: impl FnOnce()) -> Vec<String> {
    logged(Logging { format, ..JSON }, log)
}

/// The lines as objects, of which none has a key twice.
fn objects(logging: Logging, log: impl FnOnce()) -> Vec<Value> {
    let lines = logged(logging, log);
    lines.iter().map(|line| object(line)).collect()
}

fn object(line: &str) -> Value {
    let value: Value = serde_json::from_str(line).unwrap();
    // Parsing drops what is there twice, so the text is then shorter. Escapes and numbers are written alike.
    let keys = value.as_object().unwrap().keys();
    for key in keys {
        let key = format!("{}:", serde_json::to_string(key).unwrap());
        assert_eq!(line.matches(&key).count(), 1, "{key} in {line}");
    }
    value
}

fn traced() -> Context {
    let span = SpanContext::new(
        TraceId::from(0xabc),
        SpanId::from(0xdef),
        TraceFlags::SAMPLED,
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
fn what_opentelemetry_says_of_its_contexts_is_written_without_looking_at_them() {
    let lines = objects(JSON, || {
        let _request = traced().attach();
        tracing::warn!(name: "Context.AttachFailed", target: "opentelemetry", "too many");
        tracing::warn!(name: "BatchSpanProcessor", target: "opentelemetry_sdk", "dropped");
    });
    assert_eq!(lines[0].get("trace_id"), None);
    assert!(lines[1]["trace_id"].is_string());
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
fn a_readable_line_has_ids_message_and_fields() {
    let lines = lines(LogFormat::Readable, || {
        let _request = traced().attach();
        tracing::info!(sku = "SKU 1", n = 2, "reserved");
    });
    let rest = &lines[0][12..];
    assert!(
        rest.contains(
            " INFO telemetry_pipeline::logs::tests: [trace_id=00000000000000000000000000000abc \
             span_id=0000000000000def correlation_id=00000000000000000000000000000abc] reserved sku=\"SKU 1\" n=2\n"
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
fn numbers_are_numbers_as_far_as_readers_keep_them() {
    let lines = objects(JSON, || {
        tracing::info!(
            i64 = i64::MIN,
            u64 = u64::MAX,
            small = 7_i128,
            negative = -7_i128,
            u128 = u128::from(u64::MAX),
            large = u128::MAX,
            low = i128::MIN,
            f64 = 0.1,
            whole = 3.0,
            huge = 1e300,
            nan = f64::NAN,
            inf = f64::NEG_INFINITY,
            "numbers"
        );
    });
    let line = &lines[0];
    assert_eq!(line["i64"], i64::MIN);
    assert_eq!(
        (&line["u64"], &line["u128"]),
        (&u64::MAX.into(), &u64::MAX.into())
    );
    assert_eq!(
        (&line["small"], &line["negative"]),
        (&7.into(), &(-7).into())
    );
    assert_eq!(line["large"], u128::MAX.to_string());
    assert_eq!(line["low"], i128::MIN.to_string());
    assert_eq!(
        (&line["f64"], &line["whole"], &line["huge"]),
        (&0.1.into(), &3.0.into(), &1e300.into())
    );
    assert_eq!(
        (&line["nan"], &line["inf"]),
        (&"NaN".into(), &"-inf".into())
    );
}

#[test]
fn of_two_fields_with_one_name_the_first_counts() {
    for format in [LogFormat::Json, LogFormat::Gcp, LogFormat::Aws] {
        let lines = objects(Logging { format, ..JSON }, || {
            tracing::info!(a = 1, a = 2, trace_id = 1, trace_id = 2, message = "twice");
        });
        assert_eq!(
            (&lines[0]["a"], &lines[0]["field.trace_id"]),
            (&1.into(), &1.into())
        );
    }
}

#[test]
fn values_and_lines_have_a_bound() {
    let long = "\n\u{1}".repeat(50_000);
    for format in [
        LogFormat::Json,
        LogFormat::Readable,
        LogFormat::Gcp,
        LogFormat::Aws,
    ] {
        let lines = lines(format, || {
            tracing::info!(long, debug = ?long, last = 7, "{long}");
            tracing::info!(a = long, b = long, c = long, d = long, e = long, f = long, g = ?long, last = 8);
        });
        for (line, last) in lines.iter().zip([7, 8]) {
            assert!(line.len() < bounded_text::MAX_LINE + 1024, "{}", line.len());
            assert!(line.contains('…') && line.ends_with('\n'));
            if format != LogFormat::Readable {
                assert_eq!(object(line)["last"], last);
            }
        }
        assert!(lines[0].len() > 2 * bounded_text::MAX_VALUE);
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
    let ids = format!(
        ": [user.hash={hash:?} user.roles={:?}] somebody's ",
        ["customer", "go\"ld"]
    );
    assert!(readable[1].contains(&ids), "{readable:?}");
}

/// As JSON has it, one character after the other.
fn escaped(text: &str) -> String {
    let each = text.chars().map(|c| match c {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        c if bounded_text::is_unsafe(c) => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    });
    each.collect()
}

/// Text with much of what has to be escaped.
fn hostile() -> impl Strategy<Value = String> {
    let c = prop_oneof![
        any::<char>(),
        proptest::char::range('\0', '~'),
        proptest::sample::select(&['"', '\\', '\n'][..]),
    ];
    proptest::collection::vec(c, 0..70).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn a_line_is_what_its_parts_say_byte_for_byte(
        text in hostile(),
        role in "[a-z\"\\\\]{1,20}",
        int: i64,
        uint: u64,
        float in prop_oneof![any::<f64>(), (0_u64..1 << 40).prop_map(|n| n as f64 / 1e9)],
        flag: bool,
        (trace, span) in (1_u128.., 1_u64..),
        foreign in proptest::option::of("[A-Za-z0-9._~:@+=/-]{1,128}"),
        principal: bool,
    ) {
        prop_assume!(float.is_finite());
        let span_context = SpanContext::new(
            TraceId::from(trace),
            SpanId::from(span),
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        );
        let mut cx = Context::new().with_remote_span_context(span_context);
        if let Some(id) = &foreign {
            cx = CorrelationId::parse(id).unwrap().attach_to(&cx);
        }
        let someone = Principal::new("ada").with_roles([&role]);
        if principal {
            cx = someone.clone().attach_to(&cx);
        }
        let _request = cx.attach();
        let log = || tracing::info!(
            text, debug = ?text, int, uint, float, flag, level = text, user.id = text, text = 1, "{text}"
        );
        let (plain, debug) = (escaped(&text), escaped(&format!("{text:?}")));
        let id = if principal { "field.user.id" } else { "user.id" };
        let float_text = ryu::Buffer::new().format(float).to_owned();
        for format in [LogFormat::Json, LogFormat::Aws] {
            let lines = lines(format, log);
            let line = object(&lines[0]);
            let time = line["timestamp"].as_str().unwrap();
            let trace = format!("{trace:032x}");
            let mut expected = format!(
                r#"{{"timestamp":"{time}","level":"INFO","service.name":"shop","#
            );
            expected += &format!(
                r#""target":"telemetry_pipeline::logs::tests","message":"{plain}","text":"{plain}","#
            );
            expected += &format!(
                r#""debug":"{debug}","int":{int},"uint":{uint},"float":{float_text},"flag":{flag},"#
            );
            expected += &format!(
                r#""field.level":"{plain}","{id}":"{plain}","trace_id":"{trace}","#
            );
            if format == LogFormat::Aws {
                let (time, random) = trace.split_at(8);
                expected += &format!(r#""xray_trace_id":"1-{time}-{random}","#);
            }
            let correlation = foreign.as_ref().unwrap_or(&trace);
            expected += &format!(r#""span_id":"{span:016x}","correlation_id":"{correlation}""#);
            if principal {
                let (hash, role) = (someone.hash().unwrap(), escaped(&role));
                expected += &format!(r#","user.hash":"{hash}","user.roles":["{role}"]"#);
            }
            prop_assert_eq!(&lines[0], &(expected + "}\n"));
        }
    }
}
