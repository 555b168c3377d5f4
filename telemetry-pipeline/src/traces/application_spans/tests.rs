use std::{fmt, io};

use opentelemetry::{
    Array, Value,
    trace::{Status, TraceContextExt as _},
};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::testing::TestTelemetry;

fn attribute(telemetry: &TestTelemetry, key: &str) -> Option<Value> {
    let spans = telemetry.spans();
    let attributes = spans.last().unwrap().attributes.iter();
    let mut values: Vec<_> = attributes.filter(|one| one.key.as_str() == key).collect();
    assert!(values.len() <= 1, "{values:?}");
    values.pop().map(|one| one.value.clone())
}

#[test]
fn integers_of_every_size_are_integers_where_they_fit() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.set_default();
    let span = tracing::info_span!(
        "work",
        u8 = 1_u8,
        u16 = 200_u16,
        u32 = u32::MAX,
        u64 = 7_u64,
        usize = 8_usize,
        u128 = 9_u128,
        i128 = -9_i128,
        largest = i64::MAX as u64,
        beyond = u64::MAX,
        far = u128::MAX,
        low = i128::MIN,
        signed = -1,
        float = 0.5,
        truth = true,
        text = "200",
        later = tracing::field::Empty,
        much_later = tracing::field::Empty
    );
    span.record("later", 3_usize);
    span.in_scope(|| span.record("much_later", 4_u64));
    drop(span);
    for (key, expected) in [
        ("u8", 1),
        ("u16", 200),
        ("u32", u32::MAX.into()),
        ("u64", 7),
        ("usize", 8),
        ("u128", 9),
        ("i128", -9),
        ("largest", i64::MAX),
        ("signed", -1),
        ("later", 3),
        ("much_later", 4),
    ] {
        assert_eq!(attribute(&telemetry, key), Some(expected.into()), "{key}");
    }
    for (key, expected) in [
        ("beyond", u64::MAX.to_string()),
        ("far", u128::MAX.to_string()),
        ("low", i128::MIN.to_string()),
        ("text", "200".to_owned()),
    ] {
        assert_eq!(attribute(&telemetry, key), Some(expected.into()), "{key}");
    }
    assert_eq!(attribute(&telemetry, "float"), Some(0.5.into()));
    assert_eq!(attribute(&telemetry, "truth"), Some(true.into()));
}

#[test]
fn names_kinds_parents_and_links_are_those_of_the_bridge() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.set_default();
    let remote = tracing::info_span!("remote", n = 1_u64);
    let child = tracing::info_span!(
        parent: None,
        "child",
        n = 1_u64,
        otel.name = "renamed",
        otel.kind = "client",
        otel.status_code = "error"
    );
    child.set_parent(remote.context()).unwrap();
    child.follows_from(remote.id());
    child.set_attribute("set", 7);
    drop(tracing::info_span!(parent: &child, "grandchild", n = 1_u64));
    drop(child);
    drop(remote);
    telemetry.assert_tree(
        &["n", "set"],
        "
        INTERNAL remote n=1
          CLIENT renamed n=1 set=7 ERROR
            INTERNAL grandchild n=1
        ",
    );
    let spans = telemetry.spans();
    let renamed = spans.iter().find(|span| span.name == "renamed").unwrap();
    assert_eq!(renamed.links.len(), 1);
}

struct Fails;

impl fmt::Debug for Fails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("so far")?;
        Err(fmt::Error)
    }
}

struct Panics;

impl fmt::Debug for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("while it is formatted")
    }
}

/// An error that is its own cause, and whose text cannot be written.
#[derive(Debug)]
struct Ring;

impl fmt::Display for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ring")?;
        Err(fmt::Error)
    }
}

impl std::error::Error for Ring {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self)
    }
}

#[test]
fn a_value_that_cannot_be_formatted_is_marked_and_the_caller_goes_on() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.set_default();
    let error: &(dyn std::error::Error + 'static) = &Ring;
    let span = tracing::info_span!("work", fails = ?Fails, panics = ?Panics, error, later = tracing::field::Empty);
    span.record("later", tracing::field::debug(Fails));
    drop(span);
    let text = |key: &str| attribute(&telemetry, key).unwrap().to_string();
    assert_eq!(text("fails"), "so far<formatting failed>");
    assert_eq!(text("later"), "so far<formatting failed>");
    assert_eq!(text("panics"), "<formatting panicked>");
    assert_eq!(text("error"), "ring<formatting failed>");
    let Some(Value::Array(Array::String(causes))) = attribute(&telemetry, "error.chain") else {
        panic!("no causes");
    };
    assert_eq!(causes.len(), 16);
}

#[tracing::instrument(err)]
fn charge(fail: bool) -> Result<u32, io::Error> {
    match fail {
        true => Err(io::Error::other("no connection")),
        false => Ok(1),
    }
}

#[tracing::instrument(err(Debug))]
async fn order(fail: bool) -> Result<u32, io::Error> {
    charge(fail)
}

#[tokio::test]
async fn a_function_with_instrument_err_that_fails_is_an_error_recorded_once() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.set_default();
    order(true).await.unwrap_err();
    charge(true).unwrap_err();
    let spans = telemetry.spans();
    let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["charge", "order", "charge"]);
    for span in &spans {
        let Status::Error { description } = &span.status else {
            panic!("{span:?}");
        };
        assert!(description.contains("no connection"), "{description}");
    }
    for span in [&spans[0], &spans[2]] {
        let [event] = span.events.events.as_slice() else {
            panic!("{span:?}");
        };
        assert_eq!(event.name, "exception");
        assert_eq!(event.attributes[0].key.as_str(), "exception.message");
        assert_eq!(event.attributes[0].value.as_str(), "no connection");
    }
    // The events of the three functions are records, too.
    let logged = telemetry.logs();
    assert_eq!(logged.len(), 3);
}

#[tokio::test]
async fn a_function_that_succeeds_and_other_errors_in_a_span_leave_its_status() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.set_default();
    order(false).await.unwrap();
    tracing::info_span!("work").in_scope(|| tracing::error!(error = "refused", "tried again"));
    for span in telemetry.spans() {
        assert_eq!(span.status, Status::Unset, "{span:?}");
        assert!(span.events.is_empty());
    }
}

#[tracing::instrument(err)]
fn pay() -> Result<(), io::Error> {
    Err(io::Error::other(
        "GET https://pay.example/?token=s3cret failed",
    ))
}

#[test]
fn the_text_of_a_failure_has_no_credentials() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.set_default();
    pay().unwrap_err();
    let span = &telemetry.spans()[0];
    assert!(!format!("{span:?}").contains("s3cret"), "{span:?}");
    assert!(format!("{span:?}").contains("token=REDACTED"), "{span:?}");
}

#[test]
fn an_error_in_a_function_outside_of_a_recorded_span_changes_no_span_of_others() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.set_default();
    let tracer = telemetry
        .providers()
        .tracer(opentelemetry::InstrumentationScope::builder("test").build());
    let kind = opentelemetry::trace::SpanKind::Server;
    let cx = tracer.start(&Default::default(), "GET /", kind, Vec::new);
    let request = cx.clone().attach();
    tracing::error!(error = "refused");
    drop(request);
    cx.span().end();
    assert_eq!(telemetry.spans()[0].status, Status::Unset);
}
