//! `traceparent` and `tracestate`: what is sent on is valid and is what came, all of it or nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use opentelemetry::trace::TraceContextExt;
use telemetry_core::propagation::Format;
use telemetry_fuzz::{headers, is_id, only, relay};

/// Beyond this many bytes a tracestate may be given up.
const KEPT_FOR_SURE: usize = 8192;

fuzz_target!(|data: &[u8]| {
    let incoming = headers(data, &["traceparent", "tracestate"]);
    let (cx, sent) = relay(&Format::TraceContext, &incoming);
    let valid = cx.span().span_context().is_valid();
    let Some(parent) = only(&sent, "traceparent") else {
        assert!(!valid && sent.is_empty());
        return;
    };
    assert!(valid);
    let mut values = incoming.get_all("traceparent").iter();
    let came = values.next().expect("one traceparent, else none is sent");
    assert!(values.next().is_none(), "of two, none is sent");
    // A future version may have appended bytes that are no text.
    let came = came.as_bytes().trim_ascii();
    let came = std::str::from_utf8(&came[..55]).expect("ids are text");
    let (ids, flags) = parent[3..].split_at(49);
    assert!(parent.len() == 55 && parent.starts_with("00-"));
    assert!(is_id(&ids[..32], 32) && is_id(&ids[33..], 16), "{parent}");
    assert_eq!(ids, &came[3..52]);
    let known = u8::from_str_radix(&came[53..55], 16).expect("two digits") & 0b11;
    assert_eq!(flags, format!("-{known:02x}"));

    let state = only(&sent, "tracestate");
    assert_eq!(state, expected_state(&incoming).as_deref());
    assert_eq!(
        relay(&Format::TraceContext, &sent).1,
        sent,
        "relaying changes nothing more"
    );

    fn expected_state(incoming: &http::HeaderMap) -> Option<String> {
        let values: Option<Vec<&str>> = incoming
            .get_all("tracestate")
            .iter()
            .map(|value| value.to_str().ok())
            .collect();
        let values = values?;
        let mut members: Vec<&str> = Vec::new();
        for member in values.iter().flat_map(|value| value.split(',')) {
            let member = member.trim_matches([' ', '\t']);
            if member.is_empty() {
                continue;
            }
            let (key, value) = member.split_once('=')?;
            if !(is_key(key) && is_value(value)) {
                return None;
            }
            if !members
                .iter()
                .any(|known| known.split_once('=').is_some_and(|(k, _)| k == key))
            {
                members.push(member);
            }
        }
        assert!(values.iter().map(|value| value.len()).sum::<usize>() <= KEPT_FOR_SURE);
        let all = values.iter().flat_map(|value| value.split(','));
        let listed = all
            .filter(|member| !member.trim_matches([' ', '\t']).is_empty())
            .count();
        (1..=32).contains(&listed).then(|| members.join(","))
    }

    fn is_key(key: &str) -> bool {
        let first = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let other = |b: u8| first(b) || b"_-*/@".contains(&b);
        (1..=256).contains(&key.len())
            && key.bytes().next().is_some_and(first)
            && key.bytes().all(other)
    }

    fn is_value(value: &str) -> bool {
        let allowed = |b: u8| (0x20..=0x7e).contains(&b) && b != b',' && b != b'=';
        (1..=256).contains(&value.len()) && value.bytes().all(allowed)
    }
});
