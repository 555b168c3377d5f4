use http::{HeaderMap, HeaderValue};

use super::*;
use crate::instrument::propagation::{Format, PresentHeaders, Propagation};

const ALL: Shown = Shown {
    id: true,
    hash: true,
    roles: true,
};
const HASHED: Shown = Shown {
    id: false,
    hash: true,
    roles: true,
};

fn roles(principal: &Principal) -> Vec<&str> {
    principal.roles().collect()
}

/// The context that the service behind makes of a `baggage` header, if it trusts its caller.
fn received(baggage: &str) -> Context {
    trusted(&headers(baggage))
}

fn headers(baggage: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("baggage", HeaderValue::from_str(baggage).unwrap());
    headers
}

fn trusted(headers: &HeaderMap) -> Context {
    let present = PresentHeaders::of(headers);
    Propagation::default()
        .receive(Context::new(), headers, present)
        .with_principal()
        .into_context()
}

#[test]
fn a_stranger_names_nobody_and_its_word_goes_no_further() {
    for formats in [
        Propagation::default(),
        Propagation::new([Format::Baggage, Format::Jaeger]),
    ] {
        let mut sent = headers("user.hash=abc,user.roles=admin,user.id=ada,tenant=blue");
        sent.insert("uberctx-user.roles", HeaderValue::from_static("admin"));
        let cx = formats.extract(&Context::new(), &sent);
        assert_eq!(Principal::of(&cx), None);
        assert_eq!(cx.baggage().get("tenant").unwrap().as_str(), "blue");
        assert_eq!(cx.baggage().len(), 1);
    }
}

#[test]
fn the_user_id_is_hashed_and_not_kept() {
    let principal = Principal::new("ada@shop.example").with_roles(["customer", "gold"]);
    assert_eq!(principal.id(), None);
    assert_eq!(
        principal.hash().unwrap(),
        sensitive::hash("ada@shop.example")
    );
    assert_eq!(roles(&principal), ["customer", "gold"]);
    assert!(!format!("{principal:?}").contains("shop"));
}

#[test]
fn the_allow_list_decides_what_is_shown() {
    let shown = |shown| {
        let principal = Principal::shown_as("ada", shown).with_roles_shown(["gold"].iter(), shown);
        let keys = principal
            .attributes()
            .map(|attribute| attribute.key.to_string());
        keys.collect::<Vec<_>>()
    };
    assert_eq!(shown(ALL), ["user.id", "user.hash", "user.roles"]);
    assert_eq!(shown(HASHED), ["user.hash", "user.roles"]);
    assert_eq!(shown(Shown::listed(&["user.roles"])), ["user.roles"]);
    assert_eq!(shown(Shown::listed(&["none"])), Vec::<String>::new());
}

#[test]
fn a_trusted_principal_arrives_as_sent_and_is_no_longer_baggage() {
    let principal = Principal::new("ada").with_roles(["customer", "store manager"]);
    let cx = principal.clone().attach_to(&Context::new());
    let mut headers = HeaderMap::new();
    Propagation::default().inject(&cx, &mut headers);
    assert!(headers.is_empty(), "sent without being asked: {headers:?}");

    let cx = Principal::in_baggage(&cx).unwrap();
    Propagation::default().inject(&cx, &mut headers);
    let cx = trusted(&headers);
    assert_eq!(Principal::of(&cx), Some(&principal));
    assert!(cx.baggage().is_empty());
}

#[test]
fn other_baggage_stays_and_another_users_goes() {
    let cx = received("tenant=blue,user.roles=admin");
    let cx = Principal::new("bob").attach_to(&cx);
    let sent = Principal::in_baggage(&cx).unwrap();
    assert_eq!(sent.baggage().get("tenant").unwrap().as_str(), "blue");
    assert_eq!(sent.baggage().get("user.roles"), None);
    assert!(Principal::in_baggage(&Context::new()).is_none());
}

#[test]
fn hostile_baggage_is_ignored() {
    let long_hash = format!("user.hash={}", "a".repeat(MAX_HASH + 1));
    let long_role = format!("user.roles={}", "a".repeat(MAX_ROLE + 1));
    let many_roles = format!("user.roles={}", vec!["r"; MAX_ROLES + 1].join("%2C"));
    for baggage in [
        "user.id=ada",
        "user.hash=",
        "user.hash=a%0Ab",
        "user.hash=%FF",
        "user.roles=",
        "user.roles=%2C%2C",
        "user.roles=a%1B[2Jb",
        &long_hash,
        &long_role,
        &many_roles,
    ] {
        let cx = received(baggage);
        assert_eq!(Principal::of(&cx), None, "{baggage}");
        assert_eq!(cx.baggage().get("user.id"), None, "{baggage}");
    }
    let cx = received("user.hash=ok,user.roles=good%2Cbad%0Aone");
    let principal = Principal::of(&cx).unwrap();
    assert_eq!(
        (principal.hash(), roles(principal)),
        (Some("ok"), vec!["good"])
    );
}

#[test]
fn ids_and_roles_that_are_too_long_or_no_text_are_left_out() {
    let long = "a".repeat(MAX_ID + 1);
    for id in ["", "a\nb", &long] {
        assert_eq!(Principal::new(id), Principal::default(), "{id:?}");
    }
    let named = Principal::default().with_roles(["", "a,b", "a\u{1b}b", "good"]);
    assert_eq!(roles(&named), ["good"]);
    let many = Principal::default().with_roles(std::iter::repeat_n("r", 1000));
    assert_eq!(many.roles().len(), MAX_ROLES);
}
