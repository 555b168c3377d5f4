//! `x-amzn-trace-id`: what is sent is valid, and says again what was understood.

#![no_main]

use libfuzzer_sys::fuzz_target;
use opentelemetry::trace::TraceContextExt;
use telemetry_core::propagation::Format;
use telemetry_fuzz::{headers, is_id, only, relay};

fuzz_target!(|data: &[u8]| {
    let incoming = headers(data, &["x-amzn-trace-id"]);
    let (cx, sent) = relay(&Format::XRay, &incoming);
    let span = cx.span();
    let span = span.span_context();
    let Some(text) = only(&sent, "x-amzn-trace-id") else {
        assert!(!span.is_valid());
        return;
    };
    let fields: Vec<&str> = text.split(';').collect();
    let [root, parent, sampled] = fields[..] else {
        panic!("{text}");
    };
    let (time, unique) = root
        .strip_prefix("Root=1-")
        .and_then(|id| id.split_once('-'))
        .expect("a root");
    assert!(
        time.len() == 8 && is_id(&[time, unique].concat(), 32),
        "{text}"
    );
    assert!(
        is_id(parent.strip_prefix("Parent=").expect("a parent"), 16),
        "{text}"
    );
    assert_eq!(
        sampled,
        if span.is_sampled() {
            "Sampled=1"
        } else {
            "Sampled=0"
        }
    );
    let (again, relayed) = relay(&Format::XRay, &sent);
    assert_eq!(relayed, sent);
    assert_eq!(again.span().span_context(), span);
});
