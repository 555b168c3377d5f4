use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::*;

static GENERAL: Setting<Duration> =
    Setting::new("SHOP_WAIT", "40", parse::millis, "the wait").unit("ms");
static WAIT: Setting<Duration> = Setting::new(
    "SHOP_ORDER_WAIT",
    "40",
    parse::millis,
    "the same for orders",
)
.under(&GENERAL);
static KEY: Setting<Option<SecretString>> = Setting::secret("SHOP_KEY", "a key");

#[test]
fn the_special_setting_counts_then_the_general_one_then_the_default() {
    for (vars, wait) in [
        (&[][..], 40),
        (&[("SHOP_WAIT", " 50 ")], 50),
        (&[("SHOP_WAIT", "50"), ("SHOP_ORDER_WAIT", "60")], 60),
        (&[("SHOP_WAIT", "50"), ("SHOP_ORDER_WAIT", "soon")], 50),
        (&[("SHOP_ORDER_WAIT", " ")], 40),
    ] {
        let found = |name: &str| vars.iter().find(|(key, _)| *key == name);
        let value = WAIT.read_from(|name| found(name).map(|(_, value)| (*value).to_owned()));
        assert_eq!(value, Duration::from_millis(wait), "{vars:?}");
    }
}

#[test]
fn a_setting_is_registered_when_it_is_read_and_only_once() {
    let count = || {
        let named = |setting: &&&dyn AnySetting| setting.name() == "SHOP_WAIT";
        registered().iter().filter(named).count()
    };
    assert_eq!(GENERAL.read_environment(), Duration::from_millis(40));
    assert_eq!(GENERAL.read_environment(), Duration::from_millis(40));
    register(&GENERAL);
    assert_eq!(count(), 1);
}

#[test]
fn no_output_shows_a_secret() {
    let value = KEY.read_from(|_| Some("s3cret".to_owned()));
    let any: &dyn AnySetting = &KEY;
    let parsed = any.parse("s3cret");
    for text in [
        format!("{value:?}"),
        format!("{KEY:?}"),
        format!("{parsed:?}"),
    ] {
        assert!(!text.contains("s3cret"), "{text}");
    }
    assert!(any.is_secret());
    assert_eq!(
        parsed.value.map(|(_, shown)| shown).as_deref(),
        Some(REDACTED)
    );
    assert_eq!(
        value.map(|key| key.expose_secret().to_owned()).as_deref(),
        Some("s3cret")
    );
}

#[test]
fn none_has_no_effect_beside_other_names_and_is_named() {
    let known = ["otlp", "console", "none"];
    let list = |text| parse::list(text, &known, &["zipkin"]);
    assert_eq!(
        list("OTLP, none").value,
        Some((vec!["otlp"], "otlp".to_owned()))
    );
    let wrong = list("none,otlp").wrong.unwrap();
    assert_eq!(
        (&*wrong.shown, &*wrong.reason),
        ("\"none\"", "has no effect beside otlp")
    );
    assert_eq!(list("none").wrong, None);
    assert_eq!(list("zipkin").wrong.unwrap().reason, "is not supported yet");
    assert_eq!(list("otlp,smoke").wrong.unwrap().shown, "\"smoke\"");
    assert!(list(",").wrong.is_some());
}

#[test]
fn the_list_of_methods_replaces_that_of_the_convention() {
    let any: &dyn AnySetting = &HTTP_KNOWN_METHODS;
    let (value, shown) = any.parse("GET, PURGE ,").value.unwrap();
    let methods = HTTP_KNOWN_METHODS.cast(&value);
    let known = |name: &[u8]| methods.known(&http::Method::from_bytes(name).unwrap());
    assert_eq!(
        (known(b"PURGE"), known(b"POST"), &*shown),
        ("PURGE", "_OTHER", "GET,PURGE")
    );
    assert!(any.parse(",").value.is_none());
}
