use super::*;

#[test]
fn a_span_is_named_by_method_and_route_and_never_by_path() {
    assert_eq!(span_name("GET", Some("/orders/{id}")), "GET /orders/{id}");
    assert_eq!(span_name("GET", None), "GET");
    let method = known_method(&Method::from_bytes(b"BREW").unwrap());
    assert_eq!(method, "_OTHER");
    assert_eq!(span_name(method, None), "HTTP");
    assert_eq!(known_method(&Method::from_bytes(b"get").unwrap()), "_OTHER");
}

#[test]
fn the_port_is_no_part_of_the_address() {
    let parsed = |text| Authority::parse(text).map(|a| (a.host, a.port));
    assert_eq!(
        parsed("shop.example:8080"),
        Some(("shop.example", Some(8080)))
    );
    assert_eq!(parsed("shop.example"), Some(("shop.example", None)));
    assert_eq!(parsed("[::1]:8080"), Some(("::1", Some(8080))));
    assert_eq!(parsed("[::1]"), Some(("::1", None)));
    assert_eq!(
        parsed("user:secret@shop.example:1"),
        Some(("shop.example", Some(1)))
    );
    for hostile in [
        "ps:////u@[[t]",
        "a]b",
        "",
        ":80",
        "[::1",
        "[::1]80",
        "a:b",
        "a:99999",
        "a b",
        "a/b",
        "a\n",
        "::1",
    ] {
        assert_eq!(parsed(hostile), None, "{hostile:?}");
    }
}

#[test]
fn credentials_in_a_query_are_replaced_and_keys_are_kept() {
    assert_eq!(
        redact_query("a=1&sig=s3cret&b=2&X-Amz-Signature="),
        "a=1&sig=REDACTED&b=2&X-Amz-Signature=REDACTED"
    );
    assert!(matches!(redact_query("a=1&b=x&sig"), Cow::Borrowed(_)));
}

#[test]
fn the_keys_of_the_conventions_list_are_all_redacted() {
    for key in [
        "X-Amz-Signature",
        "X-Amz-Credential",
        "X-Amz-Security-Token",
        "sig",
        "X-Goog-Signature",
    ] {
        for query in [format!("{key}=s3cret"), format!("a=b&{key}=s3cret&c=d")] {
            let expected = query.replace("s3cret", "REDACTED");
            assert_eq!(redact_query(&query), expected);
            let url = format!("http://h/?{query}");
            assert_eq!(redact_url(&url), format!("http://h/?{expected}"));
        }
    }
}

#[test]
fn a_key_that_is_percent_encoded_is_the_same_key() {
    for (query, expected) in [
        ("%73ig=s3cret", "%73ig=REDACTED"),
        ("%73%69%67=s3cret&a=1", "%73%69%67=REDACTED&a=1"),
        (
            "a=1&X%2DAmz%2dSignature=s3cret",
            "a=1&X%2DAmz%2dSignature=REDACTED",
        ),
        ("t%6fken=s3cret", "t%6fken=REDACTED"),
        (
            "%73igs=1&%53=2&sig%=3&%7=4&%=5&%73ig",
            "%73igs=1&%53=2&sig%=3&%7=4&%=5&%73ig",
        ),
    ] {
        assert_eq!(redact_query_with(query, &["token"]), expected);
        assert_eq!(has_secret(query, &["token"]), query != expected);
    }
}

#[test]
fn a_service_may_have_credentials_of_its_own() {
    assert_eq!(
        redact_query_with("token=a&sig=b&page=c", &["token"]),
        "token=REDACTED&sig=REDACTED&page=c"
    );
}

#[test]
fn credentials_in_a_url_are_replaced() {
    for (url, expected) in [
        (
            "https://u:p@h:1/a?sig=x#f",
            "https://REDACTED:REDACTED@h:1/a?sig=REDACTED",
        ),
        ("https://token@h", "https://REDACTED@h"),
        ("https://a@b:c@h/x", "https://REDACTED:REDACTED@h/x"),
        ("http://h/a@b?c=d@e", "http://h/a@b?c=d@e"),
        ("http://h?u=a:b@c", "http://h?u=a:b@c"),
        ("http://h/a#access_token=x", "http://h/a"),
        ("http://u@h/a?b=c#d?sig=x", "http://REDACTED@h/a?b=c"),
        ("http://h/a?%73ig=x#", "http://h/a?%73ig=REDACTED"),
        ("", ""),
    ] {
        assert_eq!(redact_url(url), expected);
    }
}

#[test]
fn a_callers_own_keys_are_redacted_beside_the_conventions() {
    let also = ["token", "api_key"];
    assert_eq!(
        redact_url_with("http://h/a?token=1&sig=2&tokens=3&api_key=4", &also),
        "http://h/a?token=REDACTED&sig=REDACTED&tokens=3&api_key=REDACTED"
    );
    assert!(has_secret("a=1&token=", &also) && !has_secret("token", &also));
}

#[test]
fn only_the_server_is_to_blame_for_5xx_and_the_client_for_both() {
    assert!(!is_server_error(404) && is_server_error(500));
    assert!(!is_client_error(399) && is_client_error(404) && is_client_error(503));
}
