use telemetry_pipeline::testing::TestTelemetry;
use tracing::Level;

use super::*;

#[test]
fn only_what_is_listed_is_allowed() {
    let hosts = Hosts::new([
        "a.example",
        ".b.example",
        "c.example:8443",
        ".d.example:443",
        "[::1]:80",
        "Upper.Example",
        " root.example. ",
        ".root.internal.:1",
        "*.star.example",
        "bücher.example",
        ".xn--bcher-kva.internal:80",
        "10.0.0.1",
        "[2001:DB8:0::1]",
        "",
    ]);
    for url in [
        "http://a.example/",
        "https://a.example:1/",
        "http://A.EXAMPLE./",
        "http://x.b.example/",
        "http://x.y.b.example:99/",
        "https://c.example:8443/",
        "https://x.d.example/",
        "http://[::1]/",
        "http://upper.example/",
        "http://root.example/",
        "http://root.example./",
        "http://x.root.internal:1/",
        "http://x.root.internal.:1/",
        "http://x.star.example/",
        "http://x.y.star.example/",
        "http://Bücher.example/",
        "http://xn--bcher-kva.example/",
        "http://x.bücher.internal/",
        "http://10.0.0.1:8/",
        "http://[2001:db8::1]/",
    ] {
        assert!(hosts.allows(url), "{url}");
    }
    for url in [
        "http://sub.a.example/",
        "http://nota.example/",
        "http://a.example.evil.net/",
        "http://b.example/",
        "http://xb.example/",
        "https://c.example/",
        "http://x.d.example/",
        "http://[::1]:81/",
        "http://star.example/",
        "http://root.internal:1/",
        "http://bucher.example/",
        "http://evil.net/?a.example",
        "http://a.example@evil.net/",
        "data:text/plain,a.example",
        "",
    ] {
        assert!(!hosts.allows(url), "{url}");
    }
    assert!(!Hosts::none().allows("http://a.example/"));
}

#[test]
fn an_entry_that_is_no_host_matches_nothing_and_is_told_of() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.set_default();
    let unusable = [
        "not a host",
        "https://shop.example",
        "shop.example/path",
        "user:hunter2@shop.example",
        "shop.example:http",
        "shop.example:",
        "shop.*.example",
        "*",
        "*.",
        ".",
        ".0.0.1",
        "::1",
        "[::1",
        "sh\top.example",
    ];
    let hosts = Hosts::new(unusable.into_iter().chain(["a.example", ""]));
    assert_eq!(hosts.0.len(), 1, "{hosts:?}");
    telemetry.assert_log("no hosts").level(Level::WARN).count(1);
    let _ = Hosts::new(["a.example", "", " "]);
    telemetry.assert_log("no hosts").count(1);
    assert!(!format!("{:?}", telemetry.logs()).contains("hunter2"));
}
