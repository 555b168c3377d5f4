use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    baggage::BaggageExt,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};

use super::*;

const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(*name, HeaderValue::from_str(value).unwrap());
    }
    map
}

fn extracted(pairs: &[(&'static str, &str)]) -> SpanContext {
    let cx = Propagation::default().extract(&Context::new(), &headers(pairs));
    let span = cx.span();
    span.span_context().clone()
}

#[test]
fn a_context_survives_the_round_trip() {
    let pairs = [
        ("traceparent", VALID),
        ("tracestate", "a=1, b=2"),
        ("tracestate", "c=3"),
        ("baggage", "role=a%2Cb;p=1"),
    ];
    let cx = Propagation::default().extract(&Context::new(), &headers(&pairs));
    let mut out = HeaderMap::new();
    Propagation::default().inject(&cx, &mut out);
    assert_eq!(out["traceparent"], VALID);
    assert_eq!(out["tracestate"], "a=1,b=2,c=3");
    assert_eq!(out["baggage"], "role=a%2Cb;p=1");
    assert_eq!(cx.baggage().get("role").unwrap().as_str(), "a,b");
}

#[test]
fn malformed_trace_parents_start_a_new_trace() {
    let bad = [
        "",
        "00",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.extra",
        "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
    ];
    for value in bad {
        assert!(!extracted(&[("traceparent", value)]).is_valid(), "{value}");
    }
    assert!(!extracted(&[("traceparent", VALID), ("traceparent", VALID)]).is_valid());
}

#[test]
fn future_versions_padding_and_the_random_flag_are_understood() {
    let future = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03-what-the-future-brings";
    let context = extracted(&[("traceparent", future)]);
    assert!(context.is_valid() && context.is_sampled());
    assert_eq!(context.trace_flags().to_u8(), 3);
    assert!(extracted(&[("traceparent", &format!("  {VALID}\t"))]).is_valid());
}

#[test]
fn no_empty_tracestate_and_no_invalid_context_is_sent() {
    let mut out = HeaderMap::new();
    Propagation::default().inject(&Context::new(), &mut out);
    assert!(out.is_empty());

    let span = SpanContext::new(
        TraceId::from(1),
        SpanId::from(2),
        TraceFlags::default(),
        false,
        TraceState::default(),
    );
    let mut out = headers(&[("tracestate", "stale=1")]);
    Propagation::default().inject(&Context::new().with_remote_span_context(span), &mut out);
    assert_eq!(
        out["traceparent"],
        "00-00000000000000000000000000000001-0000000000000002-00"
    );
    assert!(!out.contains_key("tracestate"));
}

#[test]
fn an_oversized_or_broken_tracestate_costs_only_itself() {
    let many = (0..33)
        .map(|i| format!("k{i}=v"))
        .collect::<Vec<_>>()
        .join(",");
    for state in ["=", "a=1,=", &many, &format!("a={}", "x".repeat(9000))] {
        let context = extracted(&[("traceparent", VALID), ("tracestate", state)]);
        assert!(context.is_valid(), "{state}");
        assert_eq!(context.trace_state().header(), "", "{state}");
    }
}

#[test]
fn hostile_baggage_is_bounded() {
    let many = (0..500)
        .map(|i| format!("k{i}=v"))
        .collect::<Vec<_>>()
        .join(",");
    let cx = Propagation::default().extract(&Context::new(), &headers(&[("baggage", &many)]));
    assert_eq!(cx.baggage().len(), MAX_MEMBERS_OF_BAGGAGE);
    let junk = headers(&[("baggage", "=,;;,a b=c,k=%ff%fe, ok = yes ;m")]);
    let cx = Propagation::default().extract(&Context::new(), &junk);
    assert_eq!(cx.baggage().len(), 2);
    assert_eq!(cx.baggage().get("ok").unwrap().as_str(), "yes");
}

const MAX_MEMBERS_OF_BAGGAGE: usize = 64;

mod baggage;
mod formats;
mod properties;
mod w3c;
