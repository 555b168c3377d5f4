//! The formats of other systems.

use super::*;

const TRACE: &str = "463ac35c9f6413ad48485a3953bb6124";
const SPAN: &str = "a2fb4a1d1a96d312";

fn read(format: Format, pairs: &[(&'static str, &str)]) -> Option<(String, String, bool)> {
    let cx = Propagation::new([format]).extract(&Context::new(), &headers(pairs));
    let span = cx.span();
    let span = span.span_context();
    let ids = (
        span.trace_id().to_string(),
        span.span_id().to_string(),
        span.is_sampled(),
    );
    (span.is_valid() && span.is_remote()).then_some(ids)
}

/// The headers that are sent on for the received ones.
fn relayed(format: Format, pairs: &[(&'static str, &str)]) -> Vec<String> {
    let propagation = Propagation::new([format]);
    let cx = propagation.extract(&Context::new(), &headers(pairs));
    let mut out = HeaderMap::new();
    propagation.inject(&cx, &mut out);
    let mut lines: Vec<_> = out
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    lines
}

fn ids(sampled: bool) -> Option<(String, String, bool)> {
    Some((TRACE.to_owned(), SPAN.to_owned(), sampled))
}

#[test]
fn b3_is_read_in_both_forms_and_the_single_one_wins() {
    let multi = [
        ("x-b3-traceid", TRACE),
        ("x-b3-spanid", SPAN),
        ("x-b3-sampled", "0"),
    ];
    assert_eq!(read(Format::B3, &multi), ids(false));
    let single = format!("{TRACE}-{SPAN}-1-05e3ac9a4f6e3b90");
    assert_eq!(read(Format::B3Multi, &[("b3", &single)]), ids(true));
    let both = [multi.as_slice(), &[("b3", &single)]].concat();
    assert_eq!(read(Format::B3, &both), ids(true));
    let short = format!("48485a3953bb6124-{SPAN}-0");
    assert_eq!(
        read(Format::B3, &[("b3", &short)]).unwrap().0,
        "000000000000000048485a3953bb6124"
    );
    let undecided = format!("{TRACE}-{SPAN}");
    assert_eq!(read(Format::B3, &[("b3", &undecided)]), ids(true));
}

#[test]
fn a_caller_that_only_says_not_to_sample_is_obeyed() {
    for (format, header, text) in [
        (Format::B3, "b3", "0"),
        (Format::B3, "b3", " false "),
        (Format::B3, "x-b3-sampled", "0"),
        (Format::B3Multi, "x-b3-sampled", "false"),
        (Format::B3Multi, "b3", "0"),
        (
            Format::XRay,
            "x-amzn-trace-id",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
        ),
    ] {
        let (_, _, sampled) = read(format, &[(header, text)]).unwrap();
        assert!(!sampled, "{header}: {text}");
    }
    // A span that another format names keeps its own decision.
    let both = Propagation::new([Format::TraceContext, Format::B3]);
    let incoming = headers(&[("traceparent", VALID), ("b3", "0")]);
    let cx = both.extract(&Context::new(), &incoming);
    let span = cx.span().span_context().clone();
    assert!(span.is_sampled() && VALID.contains(&span.trace_id().to_string()));
}

#[test]
fn b3_that_is_not_b3_starts_a_new_trace() {
    for text in [
        "",
        "1",
        "d",
        "1-2-1",
        &format!("{TRACE}-{SPAN}-x"),
        &format!("{TRACE}-{SPAN}-1-short"),
        &format!("{TRACE}-{SPAN}-1-{SPAN}-more"),
        &format!("{}-{SPAN}-1", "0".repeat(32)),
        &format!("+{}-{SPAN}-1", &TRACE[1..]),
    ] {
        assert_eq!(read(Format::B3, &[("b3", text)]), None, "{text}");
    }
    assert_eq!(read(Format::B3Multi, &[("x-b3-traceid", TRACE)]), None);
}

#[test]
fn a_debug_trace_stays_one() {
    let single = format!("{TRACE}-{SPAN}-d");
    assert_eq!(
        relayed(Format::B3, &[("b3", &single)]),
        [format!("b3: {single}")]
    );
    let multi = [
        ("x-b3-traceid", TRACE),
        ("x-b3-spanid", SPAN),
        ("x-b3-flags", "1"),
    ];
    assert_eq!(
        relayed(Format::B3Multi, &multi),
        [
            "x-b3-flags: 1".to_owned(),
            format!("x-b3-spanid: {SPAN}"),
            format!("x-b3-traceid: {TRACE}"),
        ]
    );
}

#[test]
fn jaegers_header_is_read_and_written_with_its_baggage() {
    let text = format!("{TRACE}:{SPAN}:0:1");
    let pairs = [
        ("uber-trace-id", text.as_str()),
        ("uberctx-role", "buyer%20one"),
    ];
    assert_eq!(read(Format::Jaeger, &pairs), ids(true));
    assert_eq!(
        relayed(Format::Jaeger, &pairs),
        [
            format!("uber-trace-id: {text}"),
            "uberctx-role: buyer%20one".to_owned()
        ]
    );
    let encoded = format!("{TRACE}%3A{SPAN}%3A0%3A0");
    assert_eq!(
        read(Format::Jaeger, &[("uber-trace-id", &encoded)]),
        ids(false)
    );
    let short = read(Format::Jaeger, &[("uber-trace-id", "1:2:0:3")]).unwrap();
    assert_eq!(
        (short.0.len(), short.1.as_str(), short.2),
        (32, "0000000000000002", true)
    );
    for bad in [
        "",
        "1:2:0",
        "0:2:0:1",
        "1:0:0:1",
        "1:2:0:1:9",
        "x:2:0:1",
        "1:2:0:-1",
        "1:2:0:+1",
        "1:2:0:",
        "1:2:0:100",
    ] {
        assert_eq!(
            read(Format::Jaeger, &[("uber-trace-id", bad)]),
            None,
            "{bad}"
        );
    }
}

#[test]
fn x_rays_header_is_read_in_any_order_and_written() {
    let text = format!(
        "Root=1-{}-{};Parent={SPAN};Sampled=1",
        &TRACE[..8],
        &TRACE[8..]
    );
    assert_eq!(read(Format::XRay, &[("x-amzn-trace-id", &text)]), ids(true));
    assert_eq!(
        relayed(Format::XRay, &[("x-amzn-trace-id", &text)]),
        [format!("x-amzn-trace-id: {text}")]
    );
    let reordered = format!(
        "Sampled=0; Parent={SPAN};Lineage=a:b;Root=1-{}-{}",
        &TRACE[..8],
        &TRACE[8..]
    );
    assert_eq!(
        read(Format::XRay, &[("x-amzn-trace-id", &reordered)]),
        ids(false)
    );
    for bad in [
        "",
        "Root=1-463ac35c-9f64;Parent=a2fb4a1d1a96d312",
        "Parent=a2fb4a1d1a96d312",
        "Root=2-a-b",
    ] {
        assert_eq!(
            read(Format::XRay, &[("x-amzn-trace-id", bad)]),
            None,
            "{bad}"
        );
    }
}

#[test]
fn a_message_can_carry_what_headers_can() {
    use opentelemetry::propagation::TextMapPropagator as _;
    let names = ["tracecontext", "baggage", "jaeger"];
    let text_map = TextMap::from(Propagation::new(
        names.into_iter().filter_map(Format::from_name),
    ));
    let incoming = headers(&[("traceparent", VALID), ("baggage", "role=buyer")]);
    let cx = Propagation::default().extract(&Context::new(), &incoming);
    let mut message = std::collections::HashMap::new();
    text_map.inject_context(&cx, &mut message);
    assert_eq!(message["traceparent"], VALID);
    assert_eq!(message["uberctx-role"], "buyer");
    let received = text_map.extract_with_context(&Context::new(), &message);
    assert_eq!(
        received.span().span_context().trace_id(),
        cx.span().span_context().trace_id()
    );
    assert_eq!(received.baggage().get("role").unwrap().as_str(), "buyer");
    assert!(text_map.fields().any(|field| field == "traceparent"));
}

#[test]
fn a_debug_flag_of_another_request_does_not_outlive_it() {
    for (stale, sent) in [
        ("x-b3-flags", "x-b3-sampled"),
        ("x-b3-sampled", "x-b3-flags"),
    ] {
        let decision = if sent == "x-b3-flags" { "d" } else { "1" };
        let single = format!("4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{decision}");
        let b3 = Propagation::new([Format::B3Multi]);
        let cx = b3.extract(&Context::new(), &headers(&[("b3", &single)]));
        let mut out = headers(&[(stale, "1")]);
        b3.inject(&cx, &mut out);
        assert!(
            !out.contains_key(stale) && out.contains_key(sent),
            "{out:?}"
        );
    }
}
