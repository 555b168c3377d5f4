//! Whatever a stranger sends: no panic, nothing invalid sent on, and bounded output.

use proptest::prelude::*;

use super::*;

const NAMES: [&str; 12] = [
    "traceparent",
    "tracestate",
    "baggage",
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-sampled",
    "x-b3-flags",
    "uber-trace-id",
    "uberctx-a",
    "x-amzn-trace-id",
    "other",
];

fn all() -> Propagation {
    let names = ["tracecontext", "baggage", "b3", "b3multi", "jaeger", "xray"];
    Propagation::new(names.into_iter().filter_map(Format::from_name))
}

/// Bytes a header may have, with a liking for what the formats are made of.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let likely = proptest::sample::select(b"0123456789abcdef-=,;:%. \tdRootParentSampled".to_vec());
    let any = any::<u8>().prop_filter("a header value", |b| *b >= 0x20 && *b != 0x7f);
    proptest::collection::vec(prop_oneof![4 => likely, 1 => any], 0..200)
}

proptest! {
    #[test]
    fn hostile_headers_do_no_harm(
        pairs in proptest::collection::vec((proptest::sample::select(NAMES.to_vec()), value()), 0..8)
    ) {
        let mut incoming = HeaderMap::new();
        for (name, value) in pairs {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                incoming.append(name, value);
            }
        }
        let cx = all().extract(&Context::new(), &incoming);
        let mut outgoing = HeaderMap::new();
        all().inject(&cx, &mut outgoing);
        let again = all().extract(&Context::new(), &outgoing);
        let (first, second) = (cx.span(), again.span());
        if first.span_context().is_valid() {
            prop_assert_eq!(first.span_context().trace_id(), second.span_context().trace_id());
            prop_assert_eq!(first.span_context().span_id(), second.span_context().span_id());
            prop_assert_eq!(first.span_context().is_sampled(), second.span_context().is_sampled());
        } else {
            prop_assert!(!outgoing.contains_key("traceparent"));
        }
        prop_assert!(outgoing.get("tracestate").is_none_or(|state| !state.is_empty()));
    }

    #[test]
    fn every_valid_context_survives_every_format(trace in 1_u128.., span in 1_u64.., sampled: bool) {
        let flags = if sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
        let sent = SpanContext::new(TraceId::from(trace), SpanId::from(span), flags, false, TraceState::default());
        for name in ["tracecontext", "b3", "b3multi", "jaeger", "xray"] {
            let propagation = Propagation::new(Format::from_name(name));
            let mut headers = HeaderMap::new();
            propagation.inject(&Context::new().with_remote_span_context(sent.clone()), &mut headers);
            let cx = propagation.extract(&Context::new(), &headers);
            let received = cx.span();
            let received = received.span_context();
            prop_assert_eq!(received.trace_id(), sent.trace_id(), "{}", name);
            prop_assert_eq!(received.span_id(), sent.span_id(), "{}", name);
            prop_assert_eq!(received.is_sampled(), sampled, "{}", name);
            prop_assert!(received.is_remote());
        }
    }
}
