//! W3C Trace Context level 2, case by case of what the specification's own validator asks of a service: what comes in,
//! and what is sent on. A service that does not record sends on what it took over, so the parent id stays.

use super::*;

const IDS: &str = "12345678901234567890123456789012-1234567890123456";

/// The `traceparent` and `tracestate` that are sent on.
fn sent(incoming: &HeaderMap) -> (Option<String>, Option<String>) {
    let cx = Propagation::default().extract(&Context::new(), incoming);
    let mut out = HeaderMap::new();
    Propagation::default().inject(&cx, &mut out);
    let one = |name: &str| {
        assert!(out.get_all(name).iter().count() <= 1, "{name} twice");
        out.get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    (one("traceparent"), one("tracestate"))
}

fn parent(value: &str) -> Option<String> {
    sent(&headers(&[("traceparent", value)])).0
}

/// The tracestate sent on for these headers of a valid traceparent.
fn state(values: &[&str]) -> Option<String> {
    let parent = format!("00-{IDS}-00");
    let mut incoming = headers(&[("traceparent", parent.as_str())]);
    for value in values {
        incoming.append("tracestate", HeaderValue::from_str(value).unwrap());
    }
    let (sent_parent, state) = sent(&incoming);
    assert_eq!(sent_parent, Some(parent), "whatever becomes of its state");
    state
}

#[test]
fn a_valid_trace_parent_is_continued() {
    let current = format!("00-{IDS}-01");
    assert_eq!(parent(&current).as_ref(), Some(&current));
    for padded in [
        format!(" {current}"),
        format!("\t{current}"),
        format!("{current} "),
        format!("{current}\t"),
        format!("\t {current} \t"),
    ] {
        assert_eq!(parent(&padded).as_ref(), Some(&current), "{padded:?}");
    }
    for name in ["TraceParent", "TrAcEpArEnT", "TRACEPARENT"] {
        let mut incoming = HeaderMap::new();
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        incoming.append(name, HeaderValue::from_str(&current).unwrap());
        assert_eq!(sent(&incoming).0.as_ref(), Some(&current));
    }
}

#[test]
fn what_is_no_trace_parent_is_not_continued() {
    let trace = &IDS[..32];
    let span = &IDS[33..];
    let bad = [
        // The version.
        format!("ff-{IDS}-01"),
        format!(".0-{IDS}-01"),
        format!("0.-{IDS}-01"),
        format!("000-{IDS}-01"),
        format!("0000-{IDS}-01"),
        format!("0-{IDS}-01"),
        format!("0A-{IDS}-01"),
        // Version 00 is exactly this long.
        format!("00-{IDS}-01."),
        format!("00-{IDS}-01-"),
        format!("00-{IDS}-01-what-the-future-will-be-like"),
        // The trace id.
        format!("00-{}-{span}-01", "0".repeat(32)),
        format!("00-.{}-{span}-01", &trace[1..]),
        format!("00-{}.-{span}-01", &trace[1..]),
        format!("00-{trace}3-{span}-01"),
        format!("00-{}-{span}-01", &trace[1..]),
        format!("00-{}A-{span}-01", &trace[1..]),
        // The parent id.
        format!("00-{trace}-{}-01", "0".repeat(16)),
        format!("00-{trace}-.{}-01", &span[1..]),
        format!("00-{trace}-{}.-01", &span[1..]),
        format!("00-{trace}-{span}7-01"),
        format!("00-{trace}-{}-01", &span[1..]),
        format!("00-{trace}-{}F-01", &span[1..]),
        // The flags.
        format!("00-{IDS}-.0"),
        format!("00-{IDS}-0."),
        format!("00-{IDS}-001"),
        format!("00-{IDS}-1"),
        format!("00-{IDS}-"),
        format!("00-{IDS}"),
        format!("00-{IDS}-0F"),
        // Padding is at the ends only.
        format!("00 -{IDS}-01"),
        format!("00-{IDS}- 1"),
        String::new(),
    ];
    for value in bad {
        assert_eq!(parent(&value), None, "{value:?}");
    }
    for name in ["trace-parent", "trace.parent"] {
        let incoming = headers(&[(name, &format!("00-{IDS}-01"))]);
        assert_eq!(sent(&incoming).0, None, "{name}");
    }
}

#[test]
fn two_trace_parents_contradict_each_other_even_if_they_agree() {
    let one = format!("00-{IDS}-01");
    let other = one.replace("9012-", "9011-");
    for second in [&one, &other, "junk", ""] {
        let incoming = headers(&[
            ("traceparent", &one),
            ("traceparent", second),
            ("tracestate", "a=1"),
        ]);
        assert_eq!(sent(&incoming), (None, None), "{second:?}");
    }
}

#[test]
fn a_future_version_is_read_as_far_as_it_is_known_and_sent_on_as_ours() {
    for future in [
        format!("cc-{IDS}-01"),
        format!("cc-{IDS}-01-what-the-future-will-be-like"),
        format!("01-{IDS}-01-"),
        format!("fe-{IDS}-fd"),
    ] {
        assert_eq!(parent(&future), Some(format!("00-{IDS}-01")), "{future}");
    }
    for bad in [
        format!("cc-{IDS}-01.what-the-future-will-be-like"),
        format!("cc-{IDS}-011"),
        format!("cc-{IDS}-01 more"),
        format!("cc-{}-{}-01", "0".repeat(32), &IDS[33..]),
    ] {
        assert_eq!(parent(&bad), None, "{bad}");
    }
}

#[test]
fn of_the_flags_sampled_and_random_are_kept_and_unknown_ones_are_not() {
    for (came, goes) in [
        ("00", "00"),
        ("01", "01"),
        ("02", "02"),
        ("03", "03"),
        ("ff", "03"),
        ("fc", "00"),
    ] {
        assert_eq!(
            parent(&format!("00-{IDS}-{came}")),
            Some(format!("00-{IDS}-{goes}"))
        );
    }
}

#[test]
fn a_tracestate_without_a_valid_parent_is_discarded() {
    let alone = headers(&[("tracestate", "foo=1")]);
    assert_eq!(sent(&alone), (None, None));
    let invalid = headers(&[("traceparent", "junk"), ("tracestate", "foo=1,bar=2")]);
    assert_eq!(sent(&invalid), (None, None));
}

#[test]
fn a_valid_tracestate_is_sent_on_in_its_order_as_one_header() {
    let long = "z".repeat(256);
    let every_key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
    let every_value: String = (' '..='~').filter(|c| !",=".contains(*c)).collect();
    let every_value = every_value.trim_start();
    for (came, goes) in [
        (vec!["foo=1,bar=2"], "foo=1,bar=2"),
        (vec!["zoo=1", "bar=2", "foo=3"], "zoo=1,bar=2,foo=3"),
        (vec!["foo=1", ""], "foo=1"),
        (vec!["", "foo=1"], "foo=1"),
        (vec!["foo=1,,,bar=2,"], "foo=1,bar=2"),
        (vec!["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3"),
        (vec!["\t foo=1 \t"], "foo=1"),
        (vec!["foo= 1 2"], "foo= 1 2"),
        (vec![&format!("{long}={long}")], &format!("{long}={long}")),
        (
            vec![&format!("{every_key}={every_value}")],
            &format!("{every_key}={every_value}"),
        ),
        (vec!["0tenant@system=1"], "0tenant@system=1"),
    ] {
        assert_eq!(state(&came).as_deref(), Some(goes), "{came:?}");
    }
}

#[test]
fn of_two_members_with_one_key_the_first_is_sent_on() {
    for (came, goes) in [
        (vec!["foo=1,foo=1"], "foo=1"),
        (vec!["foo=1,foo=2"], "foo=1"),
        (vec!["foo=1", "bar=3", "foo=2"], "foo=1,bar=3"),
    ] {
        assert_eq!(state(&came).as_deref(), Some(goes), "{came:?}");
    }
}

#[test]
fn a_tracestate_with_anything_invalid_is_discarded_and_none_is_sent() {
    let long = "z".repeat(257);
    for came in [
        vec![""],
        vec![" ", ",", "\t"],
        vec!["foo =1"],
        vec!["FOO=1"],
        vec!["foo.bar=1"],
        vec!["@foo=1,bar=2"],
        vec!["_foo=1,bar=2"],
        vec!["foo=bar=baz"],
        vec!["foo=,bar=3"],
        vec!["=1"],
        vec!["foo"],
        vec!["bar=2", "foo"],
        vec!["foo=a\tb"],
        vec!["foo=é", "bar=2"],
        vec!["foo=1", &format!("{long}=1")],
        vec!["foo=1", &format!("bar={long}")],
    ] {
        assert_eq!(state(&came), None, "{came:?}");
    }
}

#[test]
fn thirty_two_members_are_sent_on_and_thirty_three_are_not() {
    let members = |range: std::ops::RangeInclusive<u32>| {
        let members: Vec<_> = range.map(|i| format!("bar{i:02}={i:02}")).collect();
        members.join(",")
    };
    let (first, last) = (members(1..=20), members(21..=32));
    assert_eq!(state(&[&first, &last]).as_deref(), Some(&*members(1..=32)));
    assert_eq!(state(&[&first, &last, "bar33=33"]), None);
    assert_eq!(state(&[&first, &last, "bar01=again"]), None);
    assert_eq!(
        state(&[&first, &last, " , "]).as_deref(),
        Some(&*members(1..=32))
    );
}

#[test]
fn level_2_lets_an_at_sign_stand_anywhere_but_in_front() {
    let tenant = format!("{}@v", "t".repeat(254));
    let system = format!("t@{}", "v".repeat(15));
    for key in ["foo@", "foo@@bar", "foo@bar@baz", &tenant, &system] {
        let came = format!("ot=rv:12345678901234,{key}=1,bar=2");
        assert_eq!(state(&[&came]).as_deref(), Some(&*came));
    }
}

#[test]
fn what_a_sampler_writes_stands_in_front_of_what_level_1_does_not_know() {
    let incoming = headers(&[
        ("traceparent", &format!("00-{IDS}-01")),
        ("tracestate", "foo@@bar=1,ot=th:8,bar=2"),
    ]);
    let cx = Propagation::default().extract(&Context::new(), &incoming);
    let span = cx.span();
    let span = span.span_context();
    assert_eq!(span.trace_state().get("ot"), Some("th:8"));
    let child = |trace_id, state| {
        let flags = TraceFlags::SAMPLED;
        let child = SpanContext::new(trace_id, SpanId::from(7), flags, false, state);
        let mut out = HeaderMap::new();
        Propagation::default().inject(&cx.with_remote_span_context(child), &mut out);
        out.get("tracestate")
            .map(|state| state.to_str().unwrap().to_owned())
    };
    let state = || span.trace_state();
    let trace_id = span.trace_id();
    let changed = state().insert("ot", "th:c").unwrap();
    assert_eq!(
        child(trace_id, changed).as_deref(),
        Some("ot=th:c,foo@@bar=1,bar=2")
    );
    let removed = state().delete("ot").unwrap();
    assert_eq!(
        child(trace_id, removed).as_deref(),
        Some("foo@@bar=1,bar=2")
    );
    // Another trace has no part in it.
    let other = TraceId::from(1);
    assert_eq!(child(other, TraceState::default()), None);
}

#[test]
fn a_full_map_is_left_as_it_is() {
    let names = ["tracecontext", "baggage", "b3", "b3multi", "jaeger", "xray"];
    let all = Propagation::new(names.into_iter().filter_map(Format::from_name));
    let incoming = headers(&[
        ("traceparent", &format!("00-{IDS}-01")),
        ("tracestate", "foo@@bar=1"),
        ("baggage", "a=1"),
    ]);
    let cx = all.extract(&Context::new(), &incoming);
    let mut full = HeaderMap::new();
    for i in 0.. {
        let name = HeaderName::try_from(format!("x-{i}")).unwrap();
        if full.try_append(name, HeaderValue::from_static("")).is_err() {
            break;
        }
    }
    let length = full.len();
    all.inject(&cx, &mut full);
    assert_eq!(full.len(), length);
}
