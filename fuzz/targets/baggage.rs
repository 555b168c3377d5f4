//! `baggage`: what is sent on is valid and within the limits, and means what came.

#![no_main]

use libfuzzer_sys::fuzz_target;
use opentelemetry::baggage::BaggageExt;
use telemetry_core::propagation::Format;
use telemetry_fuzz::{headers, is_token, only, relay};

fuzz_target!(|data: &[u8]| {
    let incoming = headers(data, &["baggage"]);
    let (cx, sent) = relay(&Format::Baggage, &incoming);
    let Some(header) = only(&sent, "baggage") else {
        assert!(sent.is_empty());
        // Only what is longer when encoded than the limit allows is left out.
        let longest = cx
            .baggage()
            .iter()
            .map(|(_, (value, _))| value.as_str().len())
            .max();
        assert!(longest.is_none_or(|longest| longest > 2000));
        return;
    };
    assert!((1..=8192).contains(&header.len()));
    let members: Vec<&str> = header.split(',').collect();
    assert!(members.len() <= 64);
    for member in &members {
        let mut parts = member.split(';');
        let (key, value) = parts
            .next()
            .unwrap_or("")
            .split_once('=')
            .expect("key=value");
        assert!(is_token(key) && is_value(value), "{member}");
        for property in parts {
            let (key, value) = property.split_once('=').unwrap_or((property, ""));
            assert!(is_token(key.trim()) && is_value(value.trim()), "{member}");
        }
    }

    let (again, relayed) = relay(&Format::Baggage, &sent);
    for (key, (value, metadata)) in again.baggage() {
        let (first, properties) = cx.baggage().get_with_metadata(key).expect("it was there");
        assert_eq!((first, properties), (value, metadata));
    }
    // A byte takes three at most.
    if data.len() < 2000 {
        assert_eq!(again.baggage().len(), cx.baggage().len());
        assert_eq!(relayed["baggage"].len(), header.len());
    }

    fn is_value(value: &str) -> bool {
        value
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"\",;\\".contains(&b))
    }
});
