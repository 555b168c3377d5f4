use super::*;

fn seen(peer: &str, headers: &[(&'static str, &str)]) -> (String, Option<&'static str>, String) {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
    let origin = origin(&map, Some(peer.parse().unwrap()), &trusted);
    let client = origin
        .client
        .map(|(address, port)| format!("{address} {port:?}"));
    (
        client.unwrap_or_default(),
        origin.scheme,
        origin.host.unwrap_or_default().to_owned(),
    )
}

const PROXY: &str = "10.0.0.1:1";

#[test]
fn strangers_are_not_believed() {
    let headers = [
        ("forwarded", "for=192.0.2.1;proto=https;host=evil"),
        ("x-forwarded-for", "192.0.2.1"),
    ];
    assert_eq!(
        seen("192.0.2.9:1", &headers),
        (String::new(), None, String::new())
    );
    assert_eq!(origin(&HeaderMap::new(), None, &[]), Origin::default());
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
    assert_eq!(hidden, (String::new(), None, String::new()));
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
    assert_eq!(only_scheme, (String::new(), Some("https"), String::new()));
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
fn networks_are_checked_when_they_are_read() {
    for bad in ["", "10.0.0.0/", "10.0.0.0/33", "::/129", "shop/8", "10/8"] {
        assert!(bad.parse::<Network>().is_err(), "{bad}");
    }
    let all: Network = "0.0.0.0/0".parse().unwrap();
    assert!(all.contains("::ffff:10.0.0.1".parse().unwrap()));
    assert!(!all.contains("::1".parse().unwrap()));
}
