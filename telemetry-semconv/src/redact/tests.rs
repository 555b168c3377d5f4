use super::*;

fn shown(text: &str) -> String {
    query(text, &Credentials::default()).into_owned()
}

#[test]
fn well_known_credentials_are_redacted_in_every_form() {
    for name in [
        "access_token",
        "token",
        "api_key",
        "apikey",
        "api-key",
        "X-Api-Key",
        "password",
        "passwd",
        "code",
        "jwt",
        "SIG",
        "Sig",
        "sig[]",
        "sig[0]",
        "%2573ig",
        "%25%37%33ig",
        "s%69g",
        "Signature",
        "AWSAccessKeyId",
        "X-Amz-Signature",
        "x-amz-signature",
        "X-Amz-Credential",
        "X-Amz-Security-Token",
        "X-Goog-Signature",
        "X-Goog-Credential",
        "refresh_token",
        "id_token",
        "client_secret",
        "clientSecret",
        "user[password]",
        "user%5Bpassword%5D",
        "user.password",
        "sessionid",
        "JSESSIONID",
        "Authorization",
        "auth_token",
        "csrf-token",
        "private_key",
        "secret",
        "credentials",
        "SAMLResponse",
        "code_verifier",
        "oauth_signature",
        "+token",
        "subscription-key",
    ] {
        for separator in ["", "a=1&", "a=1;", "&", "a&", "?x=1&"] {
            for after in ["", "&b=2", ";b=2"] {
                let text = format!("{separator}{name}=s3cret{after}");
                let expected = format!("{separator}{name}=REDACTED{after}");
                assert_eq!(shown(&text), expected);
                assert!(has_credential(&text, &Credentials::default()));
                assert_eq!(shown(&expected), expected);
            }
        }
    }
}

#[test]
fn usual_parameters_stay() {
    for text in [
        "",
        "page=2&sort=asc",
        "q=it's;fine",
        "currency=EUR&tokens=3",
        "zip_code=1&barcode=2",
        "state=x&key=y",
        "Policy=P&Key-Pair-Id=K",
        "sig",
        "design=1&assign=2",
        "=",
        "&&;;",
        "%",
        "a=b=c",
        "at=a@b.example",
        "u=http://h/p",
    ] {
        assert!(
            matches!(
                query(text, &Credentials::default()),
                std::borrow::Cow::Borrowed(_)
            ),
            "{text}: {}",
            shown(text)
        );
    }
}

#[test]
fn every_repetition_and_every_part_of_a_value_is_redacted() {
    assert_eq!(shown("sig=a&sig=b"), "sig=REDACTED&sig=REDACTED");
    assert_eq!(shown("sig=a=b==&c=d"), "sig=REDACTED&c=d");
    assert_eq!(shown("sig=a;b&c=d"), "sig=REDACTED&c=d");
    assert_eq!(shown("sig%3Ds3cret&c=d"), "sig%3DREDACTED&c=d");
    assert_eq!(
        shown("next=https%3A%2F%2Fh%2Fcb%3Fcode%3Ds3cret&a=1"),
        "next=REDACTED&a=1"
    );
    assert_eq!(shown("next=https://h/cb?token=s3cret"), "next=REDACTED");
    assert_eq!(
        shown("next=/cb%2523access_token%253Ds3cret"),
        "next=REDACTED"
    );
    assert_eq!(shown("db=postgres%3A%2F%2Fu%3Ap%40h%2Fd"), "db=REDACTED");
}

#[test]
fn names_can_be_added_and_removed() {
    let names = Credentials::default()
        .with(["Coupon-Code"])
        .without(["code", "page_token"]);
    assert_eq!(
        query("coupon_code=a&code=b&page_token=c&token=d", &names),
        "coupon_code=REDACTED&code=b&page_token=c&token=REDACTED"
    );
}

#[test]
fn urls_lose_users_parameters_of_paths_and_fragments() {
    for (text, expected) in [
        ("//u:p@h/x", "//REDACTED:REDACTED@h/x"),
        (
            "/a;jsessionid=X/b;c=1?d=2",
            "/a;jsessionid=REDACTED/b;c=1?d=2",
        ),
        ("https://h/a;sig=x;b=1", "https://h/a;sig=REDACTED;b=1"),
        ("https://h/a?b=1#access_token=x", "https://h/a?b=1"),
        ("http://h/a@b", "http://h/a@b"),
        ("/a/b", "/a/b"),
        ("h:80/a?token=x", "h:80/a?token=REDACTED"),
    ] {
        assert_eq!(url(text, &Credentials::default()), expected);
    }
}

#[test]
fn texts_of_errors_follow_the_same_rules() {
    let names = Credentials::default();
    for (text, expected) in [
        ("no such file", "no such file"),
        ("invalid token: expected `,`", "invalid token: expected `,`"),
        ("exit code=3, status: 1", "exit code=3, status: 1"),
        ("basic authentication failed", "basic authentication failed"),
        (
            "error sending request for url (https://u:p@h/a?token=s3cret&b=1): refused",
            "error sending request for url (https://REDACTED:REDACTED@h/a?token=REDACTED&b=1): refused",
        ),
        (
            "get \"http://h/?sig=a\" and http://h/?sig=b.",
            "get \"http://h/?sig=REDACTED\" and http://h/?sig=REDACTED.",
        ),
        (
            "bad url postgres://u:p/w@d@h/db",
            "bad url postgres://REDACTED:REDACTED@h/db",
        ),
        (
            "cannot log in with password=hunter2, retry",
            "cannot log in with password=REDACTED, retry",
        ),
        (
            r#"{"access_token":"s3cret","a":1}"#,
            r#"{"access_token":"REDACTED","a":1}"#,
        ),
        (
            r#"{\"client_secret\": \"s3 cret\"}"#,
            r#"{\"client_secret\": \"REDACTED\"}"#,
        ),
        (
            "Authorization: Bearer eyJhbGciOi.J9",
            "Authorization: Bearer REDACTED",
        ),
        ("sent Basic dXNlcjpwYXNz=", "sent Basic REDACTED"),
        (
            "error returned from database: invalid input syntax for type integer: \"s3cret\"",
            "error returned from database: invalid input syntax for type integer: \"?\"",
        ),
        (
            "error returned from database: 1062 (23000): Duplicate entry 'ada@shop.example' for key 'users.email'",
            "error returned from database: 1062 (23000): Duplicate entry '?'",
        ),
    ] {
        let shown = error_text(text, &names);
        assert_eq!(shown, expected);
        assert_eq!(error_text(&shown, &names), expected);
    }
}

#[test]
fn messages_of_databases_keep_names_and_lose_values() {
    for (message, expected) in [
        (
            "duplicate key value violates unique constraint \"users_email_key\"",
            "duplicate key value violates unique constraint \"users_email_key\"",
        ),
        (
            "insert or update on table \"orders\" violates foreign key constraint \"orders_user\"",
            "insert or update on table \"orders\" violates foreign key constraint \"orders_user\"",
        ),
        (
            "syntax error at or near \"SECRET\"",
            "syntax error at or near \"?\"",
        ),
        (
            "Key (email)=(ada@x (y)) already exists.",
            "Key (email)=(?) already exists.",
        ),
        ("near 'it's SECRET' at line 1", "near '?' at line 1"),
        (
            "unrecognized token: \"'SECRET\"",
            "unrecognized token: \"?\"",
        ),
        ("unterminated: \"SECRET", "unterminated: \"?"),
        ("no such column: SECRET", "no such column: ?"),
        (
            "UNIQUE constraint failed: users.email",
            "UNIQUE constraint failed: users.email",
        ),
    ] {
        assert_eq!(database_text(message), expected, "{message}");
        assert_eq!(database_text(expected), expected);
    }
}

#[test]
fn the_documentation_lists_every_name() {
    let readme = include_str!("../../README.md");
    let (_, listed) = readme.split_once("## Credentials").unwrap();
    let words: Vec<String> = listed
        .split('`')
        .skip(1)
        .step_by(2)
        .map(|word| word.to_lowercase().replace(['-', '_'], ""))
        .collect();
    for name in NAMES.iter().chain(SUFFIXES) {
        assert!(
            words.iter().any(|word| word == name),
            "{name} is not in README.md"
        );
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_redacted_once_and_for_all(text in "[a-zé=:&;%?#@/\\[\\]\"'`() .0-9]{0,40}", sig in "sig|tok%65n|é") {
        let names = Credentials::default();
        for text in [text.clone(), format!("{text}{sig}={text}"), format!("http://{text}?{sig}={text}")] {
            let shown = query(&text, &names).into_owned();
            proptest::prop_assert_eq!(query(&shown, &names), shown.as_str());
            let shown = url(&text, &names).into_owned();
            proptest::prop_assert_eq!(url(&shown, &names), shown.as_str());
            let _ = path(&text, &names);
            let _ = error_text(&text, &names);
            let _ = database_text(&text);
        }
    }

    #[test]
    fn no_text_of_an_error_makes_redaction_panic(text in ".{0,60}") {
        let _ = error_text(&text, &Credentials::default());
        let _ = database_text(&text);
    }
}

#[test]
fn the_ends_of_all_names_are_looked_at() {
    for name in NAMES.iter().chain(SUFFIXES) {
        assert_eq!(shown(&format!("{name}=x")), format!("{name}=REDACTED"));
    }
}
