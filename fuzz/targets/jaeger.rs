//! `uber-trace-id` and `uberctx-*`: what is sent is valid and bounded, and says again what was understood.

#![no_main]

use libfuzzer_sys::fuzz_target;
use opentelemetry::{baggage::BaggageExt, trace::TraceContextExt};
use telemetry_core::propagation::Format;
use telemetry_fuzz::{headers, is_id, only, relay};

const NAMES: [&str; 4] = ["uber-trace-id", "uberctx-a", "uberctx-b-c", "uberctx-"];

fuzz_target!(|data: &[u8]| {
    let incoming = headers(data, &NAMES);
    let (cx, sent) = relay(&Format::Jaeger, &incoming);
    let span = cx.span();
    match only(&sent, "uber-trace-id") {
        None => assert!(!span.span_context().is_valid()),
        Some(text) => {
            let parts: Vec<&str> = text.split(':').collect();
            let [trace_id, span_id, "0", flags] = parts[..] else {
                panic!("{text}");
            };
            assert!(is_id(trace_id, 32) && is_id(span_id, 16), "{text}");
            assert_eq!(
                flags,
                if span.span_context().is_sampled() {
                    "1"
                } else {
                    "0"
                }
            );
        }
    }
    assert!(sent.len() <= 4 && sent.values().map(|value| value.len()).sum::<usize>() <= 8192 + 55);
    let (again, relayed) = relay(&Format::Jaeger, &sent);
    assert_eq!(relayed, sent);
    for (key, (value, _)) in again.baggage() {
        assert_eq!(cx.baggage().get(key), Some(value));
    }
    if data.len() < 2000 {
        assert_eq!(again.baggage().len(), cx.baggage().len());
    }
});
