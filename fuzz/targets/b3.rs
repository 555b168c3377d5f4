//! `b3` and `x-b3-*`: both forms are read, what is sent is valid, and says again what was understood.

#![no_main]

use libfuzzer_sys::fuzz_target;
use opentelemetry::trace::TraceContextExt;
use telemetry_core::propagation::Format;
use telemetry_fuzz::{headers, is_id, only, relay};

const NAMES: [&str; 5] = [
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-sampled",
    "x-b3-flags",
];

fuzz_target!(|data: &[u8]| {
    let incoming = headers(data, &NAMES);
    let (cx, single) = relay(&Format::B3, &incoming);
    let (_, multi) = relay(&Format::B3Multi, &incoming);
    let span = cx.span();
    let span = span.span_context();
    if !span.is_valid() {
        assert!(single.is_empty() && multi.is_empty());
        return;
    }
    let (again, _) = relay(&Format::B3, &incoming);
    if again.span().span_context().trace_id() != span.trace_id() {
        // The caller sent a decision and no ids, so each reading begins a trace of its own.
        assert!(!span.is_sampled());
        return;
    }
    assert_eq!(single.len(), 1);
    let parts: Vec<&str> = only(&single, "b3")
        .expect("the single form")
        .split('-')
        .collect();
    let [trace_id, span_id, decision] = parts[..] else {
        panic!("{parts:?}");
    };
    assert!(is_id(trace_id, 32) && is_id(span_id, 16));
    assert!(matches!(decision, "0" | "1" | "d"));
    assert_eq!(decision != "0", span.is_sampled());

    assert_eq!(multi.len(), 3);
    assert_eq!(only(&multi, "x-b3-traceid"), Some(trace_id));
    assert_eq!(only(&multi, "x-b3-spanid"), Some(span_id));
    let said = (only(&multi, "x-b3-sampled"), only(&multi, "x-b3-flags"));
    match decision {
        "d" => assert_eq!(said, (None, Some("1"))),
        other => assert_eq!(said, (Some(other), None)),
    }
    // Either form, read by either, is the same again.
    for form in [&single, &multi] {
        assert_eq!(relay(&Format::B3, form).1, single);
        assert_eq!(relay(&Format::B3Multi, form).1, multi);
    }
});
