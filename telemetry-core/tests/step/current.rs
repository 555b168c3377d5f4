//! The span one is in, and the one the request began with.

use telemetry_core::{
    current_span,
    current_span::serve,
    entry_span,
    opentelemetry::{
        Context, InstrumentationScope, KeyValue,
        trace::{Event, SpanKind, TraceContextExt as _},
    },
    set_attribute, step,
    testing::TestTelemetry,
};

/// Runs this below a server span, as an adapter does.
fn serving(telemetry: &TestTelemetry, handler: impl FnOnce()) {
    let _default = telemetry.providers().set_default();
    let scope = InstrumentationScope::builder("server").build();
    let server = telemetry.providers().tracer(scope);
    let cx = server.start(&Context::new(), "GET /", SpanKind::Server, Vec::new);
    let attached = cx.clone().attach();
    handler();
    drop(attached);
    cx.span().end();
}

#[test]
fn inside_a_step_both_its_span_and_the_servers_are_at_hand() {
    let telemetry = TestTelemetry::new();
    serving(&telemetry, || {
        set_attribute("at", "handler");
        step("Outer").in_scope(|| {
            step("Inner").in_scope(|| {
                set_attribute("at", "inner");
                current_span().set_attribute("current", true);
                entry_span().set_attribute("entry", true);
                entry_span().set_sensitive("user", "Ada");
            });
        });
    });
    assert_eq!(
        telemetry.tree(&["at", "current", "entry"]),
        r#"SERVER GET / at="handler" entry=true
  INTERNAL Outer
    INTERNAL Inner at="inner" current=true
"#
    );
    assert!(!format!("{:?}", telemetry.spans()).contains("Ada"));
}

#[test]
fn the_servers_span_is_at_hand_below_spans_of_others_too() {
    let telemetry = TestTelemetry::new();
    let scope = InstrumentationScope::builder("theirs").build();
    let tracer = telemetry.providers().tracer(scope);
    serving(&telemetry, || {
        let _served = Context::map_current(serve);
        // As `#[tracing::instrument]` on a handler.
        let theirs =
            Context::map_current(|cx| tracer.start(cx, "theirs", SpanKind::Internal, Vec::new));
        let attached = theirs.clone().attach();
        entry_span().set_attribute("outside", true);
        let step = step("Step").start();
        step.in_scope(|| entry_span().set_attribute("inside", true));
        // Elsewhere only steps know it.
        let elsewhere = std::thread::spawn(move || {
            step.in_scope(|| entry_span().set_attribute("elsewhere", true));
            step.ok();
        });
        elsewhere.join().unwrap();
        // Another request, in the course of this one.
        let other = tracer.start(&Context::new(), "other", SpanKind::Server, Vec::new);
        {
            let _served = serve(&other);
            let _attached = other.clone().attach();
            entry_span().set_attribute("other", true);
        }
        entry_span().set_attribute("after", true);
        drop(attached);
        for cx in [theirs, other] {
            cx.span().end();
        }
    });
    assert_eq!(
        telemetry.tree(&["outside", "inside", "elsewhere", "other", "after"]),
        r#"SERVER GET / outside=true inside=true elsewhere=true after=true
  INTERNAL theirs
    INTERNAL Step
SERVER other other=true
"#
    );
}

#[test]
fn without_a_request_the_outermost_step_is_the_entry() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    step("Job").in_scope(|| step("Inner").in_scope(|| entry_span().set_attribute("entry", true)));
    assert_eq!(
        telemetry.tree(&["entry"]),
        "INTERNAL Job entry=true\n  INTERNAL Inner\n"
    );
}

#[test]
fn events_links_and_status_land_on_the_span_they_are_said_of() {
    let telemetry = TestTelemetry::new();
    let mut other = None;
    serving(&telemetry, || {
        other = Some(current_span().span_context());
    });
    let other = other.unwrap();
    serving(&telemetry, || {
        step("Inside").in_scope(|| {
            entry_span().add_event("cart.merged", vec![KeyValue::new("items", 3)]);
            entry_span().add_link(other.clone(), Vec::new());
            entry_span().set_error("cart_lost", "the cart is gone");
            current_span().set_ok();
        });
    });
    assert_eq!(
        telemetry.tree(&["error.type"]),
        "SERVER GET /\nSERVER GET / error.type=\"cart_lost\" ERROR (the cart is gone)\n  INTERNAL Inside\n"
    );
    let spans = telemetry.spans();
    let server = spans.last().unwrap();
    let events: Vec<&Event> = server.events.iter().collect();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&*events[0].name, events[0].attributes.len()),
        ("cart.merged", 1)
    );
    assert_eq!(server.links.len(), 1);
    assert_eq!(server.links.iter().next().unwrap().span_context, other);
}

#[test]
fn outside_of_any_span_nothing_happens() {
    for span in [current_span(), entry_span()] {
        span.set_attribute("a", 1);
        span.add_event("b", Vec::new());
        span.set_error("c", "d");
        assert!(!span.is_recorded());
    }
}
