//! W3C Baggage: its limits and its grammar.

use opentelemetry::{
    KeyValue,
    baggage::{Baggage, BaggageMetadata},
};

use super::*;

fn read(values: &[&str]) -> Context {
    let mut incoming = HeaderMap::new();
    for value in values {
        incoming.append("baggage", HeaderValue::from_str(value).unwrap());
    }
    Propagation::new([Format::Baggage]).extract(&Context::new(), &incoming)
}

fn written(cx: &Context) -> Option<String> {
    let mut out = HeaderMap::new();
    Propagation::new([Format::Baggage]).inject(cx, &mut out);
    let header = out.get("baggage")?;
    Some(header.to_str().unwrap().to_owned())
}

#[test]
fn sixty_four_members_and_8192_bytes_are_carried_whole() {
    // 64 members of 127 bytes and 63 commas are 8191 bytes.
    let member = |i: usize, length: usize| format!("k{i:02}={}", "v".repeat(length - 4));
    let mut members: Vec<_> = (0..64).map(|i| member(i, 127)).collect();
    members[63] = member(63, 128);
    let whole = members.join(",");
    assert_eq!(whole.len(), 8192);
    let cx = read(&[&whole]);
    assert_eq!(cx.baggage().len(), 64);
    let sent = written(&cx).unwrap();
    assert_eq!((sent.len(), sent.split(',').count()), (8192, 64));

    let split = read(&[&members[..40].join(","), &members[40..].join(",")]);
    assert_eq!(split.baggage().len(), 64);
    members[63].push('v');
    assert_eq!(read(&[&members.join(",")]).baggage().len(), 63);
    members.truncate(60);
    members.extend((60..65).map(|i| member(i, 10)));
    assert_eq!(read(&[&members.join(",")]).baggage().len(), 64);
}

#[test]
fn a_member_that_is_too_long_when_encoded_costs_only_itself() {
    let mut baggage = Baggage::new();
    baggage.insert("long", ",".repeat(4000));
    assert_eq!(written(&Context::new().with_baggage(baggage)), None);
    let mut baggage = Baggage::new();
    baggage.insert("long", ",".repeat(4000));
    baggage.insert("short", "1");
    let cx = Context::new().with_baggage(baggage);
    assert_eq!(written(&cx).as_deref(), Some("short=1"));
}

#[test]
fn bytes_that_are_no_utf_8_are_replaced() {
    let cx = read(&["k=a%ffb"]);
    assert_eq!(cx.baggage().get("k").unwrap().as_str(), "a\u{fffd}b");
    assert_eq!(written(&cx).as_deref(), Some("k=a%EF%BF%BDb"));
}

#[test]
fn properties_are_sent_on_as_far_as_they_are_valid() {
    let cx = read(&["k=v ; p ; q=1;bad key;=2;r=\"x\"; s = 3 ;;t=a=b"]);
    assert_eq!(written(&cx).as_deref(), Some("k=v;p;q=1;s = 3;t=a=b"));
    let mut baggage = Baggage::new();
    let forged = BaggageMetadata::from("p=1,admin=true;ok");
    baggage.insert_with_metadata("k", "v", forged);
    let cx = Context::new().with_baggage(baggage);
    assert_eq!(written(&cx).as_deref(), Some("k=v;ok"));
}

#[test]
fn a_value_has_every_character_but_only_harmless_ones_on_the_wire() {
    let value = "a b,c;d\"e\\f%g=hé\n\u{1f600}";
    let mut baggage = Baggage::new();
    baggage.insert("k", value);
    let sent = written(&Context::new().with_baggage(baggage)).unwrap();
    let octet = |b: u8| b.is_ascii_graphic() && !b"\",;\\".contains(&b);
    assert!(sent.bytes().all(octet), "{sent}");
    assert_eq!(read(&[&sent]).baggage().get("k").unwrap().as_str(), value);
}

#[test]
fn jaegers_members_join_those_of_w3c_and_stay_within_the_same_limits() {
    let both = Propagation::new([Format::Baggage, Format::Jaeger]);
    let incoming = headers(&[("baggage", "a=1;p"), ("uberctx-b", "2")]);
    let cx = both.extract(&Context::new(), &incoming);
    assert_eq!(cx.baggage().get("b").unwrap().as_str(), "2");
    assert!(matches!(
        written(&cx).as_deref(),
        Some("a=1;p,b=2" | "b=2,a=1;p")
    ));

    let mut baggage = Baggage::new();
    for key in ["a", "b", "c"] {
        baggage.insert(key, "é".repeat(700));
    }
    let mut out = HeaderMap::new();
    Propagation::new([Format::Jaeger]).inject(&Context::new().with_baggage(baggage), &mut out);
    // Each takes 4200 bytes, and there is room for one.
    assert_eq!(out.len(), 1);
}

#[test]
fn baggage_that_is_there_already_is_replaced_even_by_none() {
    let mut baggage = Baggage::new();
    baggage.insert("long", ",".repeat(4000));
    for cx in [
        Context::new(),
        Context::new().with_baggage(Baggage::new()),
        // All of it is too long.
        Context::new().with_baggage(baggage),
    ] {
        let mut out = headers(&[("accept", "x"), ("baggage", "stale=1"), ("baggage", "b=2")]);
        Propagation::default().inject(&cx, &mut out);
        assert!(!out.contains_key("baggage"), "{out:?}");
        assert!(out.contains_key("accept"));
    }
}

#[test]
fn jaegers_members_are_replaced_as_well() {
    let mut out = headers(&[("uberctx-stale", "1"), ("uberctx-b", "1"), ("uber", "1")]);
    let cx = Context::new().with_baggage([KeyValue::new("b", "2")]);
    Propagation::new([Format::Jaeger]).inject(&cx, &mut out);
    assert_eq!(out["uberctx-b"], "2");
    assert!(!out.contains_key("uberctx-stale") && out.contains_key("uber"));
}

#[test]
fn broken_escapes_are_left_out_and_empty_elements_use_up_no_limit() {
    let read = |text: &str| {
        let incoming = headers(&[("baggage", text)]);
        let cx = Propagation::new([Format::Baggage]).extract(&Context::new(), &incoming);
        let mut members: Vec<_> = cx
            .baggage()
            .iter()
            .map(|(key, (value, _))| format!("{key}={value}"))
            .collect();
        members.sort();
        members.join(",")
    };
    assert_eq!(read("a=%ZZ,b=2"), "b=2");
    assert_eq!(read("a=1%,b=%4,c=%41"), "c=A");
    assert_eq!(read(",,a=1,, ,b=2,"), "a=1,b=2");
    assert_eq!(read(&format!("{}a=1", ",".repeat(200))), "a=1");
    let incoming = headers(&[("uberctx-a", "%ZZ"), ("uberctx-b", "2")]);
    let cx = Propagation::new([Format::Jaeger]).extract(&Context::new(), &incoming);
    assert_eq!(cx.baggage().get("a"), None);
    assert_eq!(cx.baggage().get("b").unwrap().as_str(), "2");
}
