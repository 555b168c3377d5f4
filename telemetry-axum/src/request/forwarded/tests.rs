use super::*;

fn told(written: ProxyHeaders, peer: &str, headers: &HeaderMap) -> Seen {
    let proxies = TrustedProxies {
        networks: vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()],
        headers: written,
    };
    let forwarded = Forwarded::read(headers, &proxies, Some(peer.parse().unwrap()));
    let client = match forwarded.client {
        ForwardedClient::Peer => "peer".to_owned(),
        ForwardedClient::Hidden => "hidden".to_owned(),
        ForwardedClient::At(address, port) => format!("{address} {port:?}"),
    };
    (
        client,
        forwarded.scheme,
        forwarded.host.unwrap_or_default().into_owned(),
    )
}

type Seen = (String, Option<&'static str>, String);

fn map(headers: &[(&'static str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    map
}

/// The result behind a proxy that writes `Forwarded` if that header is present, else `X-Forwarded-*`.
fn seen(peer: &str, headers: &[(&'static str, &str)]) -> Seen {
    let written = match headers.iter().any(|(name, _)| *name == "forwarded") {
        true => ProxyHeaders::Forwarded,
        false => ProxyHeaders::XForwarded,
    };
    told(written, peer, &map(headers))
}

fn nothing(client: &str) -> Seen {
    (client.to_owned(), None, String::new())
}

const PROXY: &str = "10.0.0.1:1";

#[test]
fn strangers_are_not_believed() {
    let headers = [
        ("forwarded", "for=192.0.2.1;proto=https;host=evil"),
        ("x-forwarded-for", "192.0.2.1"),
    ];
    assert_eq!(seen("192.0.2.9:1", &headers), nothing("peer"));
    assert_eq!(
        Forwarded::read(&map(&headers), &TrustedProxies::default(), None),
        Forwarded::default()
    );
}

#[test]
fn forwarded_names_the_client_beyond_the_trusted_proxies() {
    let chain = "for=6.6.6.6;host=forged;proto=http, for=\"[2001:db8::7]:4711\";Proto=HTTPS;host=\"shop.example:8443\", for=10.0.0.9";
    let expected = (
        "2001:db8::7 Some(4711)".to_owned(),
        Some("https"),
        "shop.example:8443".to_owned(),
    );
    assert_eq!(seen(PROXY, &[("forwarded", chain)]), expected);
    let hidden = seen(PROXY, &[("forwarded", "for=_hidden;proto=gopher")]);
    assert_eq!(hidden, nothing("hidden"));
}

#[test]
fn the_older_headers_are_read_from_the_right() {
    let headers = [
        ("x-forwarded-for", "6.6.6.6, 192.0.2.1"),
        ("x-forwarded-for", "10.0.0.2"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "forged,shop.example,inner"),
    ];
    let expected = (
        "192.0.2.1 None".to_owned(),
        Some("https"),
        "shop.example".to_owned(),
    );
    assert_eq!(seen(PROXY, &headers), expected);
    let only_scheme = seen("[fd00::1]:1", &[("x-forwarded-proto", "http, https")]);
    assert_eq!(
        only_scheme,
        ("peer".to_owned(), Some("https"), String::new())
    );
}

#[test]
fn hostile_headers_cost_nothing_but_themselves() {
    let long = "1.1.1.1,".repeat(10_000);
    for value in ["", ",,,", ";;==", "for=\"", &long, "for=[::1"] {
        seen(PROXY, &[("forwarded", value)]);
        seen(PROXY, &[("x-forwarded-for", value)]);
    }
}

#[test]
fn only_the_headers_that_the_proxies_write_are_believed() {
    let both = map(&[
        ("forwarded", "for=192.0.2.7;proto=https;host=one.example"),
        ("x-forwarded-for", "192.0.2.8"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "two.example"),
    ]);
    assert_eq!(
        told(ProxyHeaders::default(), PROXY, &both),
        (
            "192.0.2.8 None".to_owned(),
            Some("http"),
            "two.example".to_owned()
        )
    );
    assert_eq!(
        told(ProxyHeaders::Forwarded, PROXY, &both),
        (
            "192.0.2.7 None".to_owned(),
            Some("https"),
            "one.example".to_owned()
        )
    );
    let passed_on = map(&[("forwarded", "for=192.0.2.7;proto=https;host=one.example")]);
    assert_eq!(
        told(ProxyHeaders::default(), PROXY, &passed_on),
        nothing("peer")
    );
}

#[test]
fn an_open_quote_of_the_caller_does_not_reach_what_the_proxy_wrote() {
    let own = "for=192.0.2.1;proto=https";
    let expected = ("192.0.2.1 None".to_owned(), Some("https"), String::new());
    for forged in [
        "for=6.6.6.6;x=\"",
        "for=6.6.6.6;x=\"\\",
        "for=6.6.6.6;x=\"\\\"",
        "\"",
        "for=\"6.6.6.6",
        ",,",
        "for=6.6.6.6",
    ] {
        let value = format!("{forged}, {own}");
        assert_eq!(
            seen(PROXY, &[("forwarded", &value)]),
            expected,
            "{forged:?}"
        );
        // A forged entry names no client, even if only trusted proxies stand right of it.
        let value = format!("{forged}, for=10.0.0.2;proto=https");
        let (client, scheme, host) = seen(PROXY, &[("forwarded", &value)]);
        assert!(
            ["hidden", "6.6.6.6 None", "10.0.0.2 None"].contains(&client.as_str()),
            "{client}"
        );
        assert_eq!((scheme, host.as_str()), (Some("https"), ""));
    }
    // The proxy's own element is broken: it names no client, and the elements left of it are not read.
    let broken = seen(PROXY, &[("forwarded", "for=6.6.6.6, for=\"192.0.2.1")]);
    assert_eq!(broken, nothing("hidden"));
    let unreadable =
        http::HeaderValue::from_bytes(b"for=6.6.6.6;x=\xff, for=192.0.2.1;proto=https");
    let headers = HeaderMap::from_iter([(header::FORWARDED, unreadable.unwrap())]);
    assert_eq!(told(ProxyHeaders::Forwarded, PROXY, &headers), expected);
}

#[test]
fn quoted_pairs_are_the_characters_they_stand_for() {
    let value = r#"for="192.0.2\.1:\80";host="shop\.example", for=10.0.0.3;x="a\",b\\""#;
    let expected = (
        "192.0.2.1 Some(80)".to_owned(),
        None,
        "shop.example".to_owned(),
    );
    assert_eq!(seen(PROXY, &[("forwarded", value)]), expected);
}

#[test]
fn the_element_of_the_trusted_proxy_counts_after_any_text() {
    const PIECES: [&str; 14] = [
        "for=6.6.6.6",
        "for=10.0.0.9",
        "for=unknown",
        "\"",
        "\\",
        "\\\"",
        ",",
        ";",
        "=",
        " ",
        "x=\"",
        "[::1]",
        "proto=http",
        "host=evil",
    ];
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..20_000 {
        let mut sent = String::new();
        for _ in 0..8 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            sent.push_str(PIECES[(random >> 32) as usize % PIECES.len()]);
        }
        let forwarded = format!("{sent}, for=\"[2001:db8::7]:4711\";proto=https;host=shop.example");
        let (expected, host) = (
            "2001:db8::7 Some(4711)".to_owned(),
            "shop.example".to_owned(),
        );
        assert_eq!(
            seen(PROXY, &[("forwarded", &forwarded)]),
            (expected, Some("https"), host),
            "{sent:?}"
        );
        let older = format!("{sent}, 192.0.2.1");
        let (client, ..) = seen(PROXY, &[("x-forwarded-for", &older)]);
        assert_eq!(client, "192.0.2.1 None", "{sent:?}");
    }
}

#[test]
fn the_schemes_of_web_sockets_are_those_of_their_handshakes_and_others_are_ignored() {
    for (proto, scheme) in [
        ("wss", Some("https")),
        ("WSS", Some("https")),
        ("ws", Some("http")),
        ("ftp", None),
        ("wsss", None),
        ("", None),
    ] {
        let (_, seen_scheme, _) = seen(PROXY, &[("x-forwarded-proto", proto)]);
        assert_eq!(seen_scheme, scheme, "{proto}");
        let forwarded = format!("for=192.0.2.1;proto={proto}");
        let (_, seen_scheme, _) = seen(PROXY, &[("forwarded", &forwarded)]);
        assert_eq!(seen_scheme, scheme, "{proto}");
    }
}
