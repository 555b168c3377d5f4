//! A request through the whole axum layer, behind a proxy that is trusted: whatever `Forwarded`, `X-Forwarded-*`, `Host`
//! and the correlation headers say, the span tells addresses, ports and schemes, and the answer's headers are valid; and
//! the client is whom the proxy appended.

#![no_main]

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::OnceLock,
    task::{Context, Poll, Waker},
};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use libfuzzer_sys::fuzz_target;
use opentelemetry::Value;
use telemetry_axum::{ProxyHeaders, TelemetryLayer};
use telemetry_core::testing::TestTelemetry;
use telemetry_fuzz::headers;
use tower::{Layer, ServiceExt, service_fn};

const NAMES: [&str; 9] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "host",
    "x-correlation-id",
    "x-request-id",
    "user-agent",
    "authorization",
];

const WRITTEN: [(ProxyHeaders, &str, &str); 2] = [
    (ProxyHeaders::Forwarded, "forwarded", "for=192.0.2.1"),
    (ProxyHeaders::XForwarded, "x-forwarded-for", "192.0.2.1"),
];

fuzz_target!(|data: &[u8]| {
    static LAYERS: OnceLock<[(TestTelemetry, TelemetryLayer); 2]> = OnceLock::new();
    let layers = LAYERS.get_or_init(|| WRITTEN.map(|(written, ..)| layer(written)));
    let sent = headers(data, &NAMES);
    for ((telemetry, layer), (_, name, own)) in layers.iter().zip(WRITTEN) {
        answered(telemetry, layer, sent.clone());
        // The part that the proxy appends counts, whatever the caller sent.
        let mut passed_on = sent.clone();
        let values: Vec<_> = sent.get_all(name).iter().collect();
        passed_on.remove(name);
        for (at, value) in values.iter().enumerate() {
            let mut value = value.as_bytes().to_vec();
            if at + 1 == values.len() {
                value.extend(format!(", {own}").bytes());
            }
            let value = HeaderValue::from_bytes(&value).expect("a header and a comma");
            passed_on.append(HeaderName::from_static(name), value);
        }
        if !values.is_empty() {
            let client = answered(telemetry, layer, passed_on);
            assert_eq!(client.as_deref(), Some("192.0.2.1"));
        }
    }
});

fn layer(written: ProxyHeaders) -> (TestTelemetry, TelemetryLayer) {
    let telemetry = TestTelemetry::new();
    let captured = ["forwarded", "authorization"].map(HeaderName::from_static);
    let layer = TelemetryLayer::new()
        .with_providers(telemetry.providers().clone())
        .with_trusted_proxies(["10.0.0.0/8".parse().expect("a network")])
        .with_proxy_headers(written)
        .with_peer_address(|_| Some(SocketAddr::from(([10, 0, 0, 1], 4000))))
        .with_captured_request_headers(captured);
    (telemetry, layer)
}

/// Sends a request of these headers, and returns whom its span names as the client.
fn answered(
    telemetry: &TestTelemetry,
    layer: &TelemetryLayer,
    headers: HeaderMap,
) -> Option<String> {
    let mut request = Request::new(String::new());
    *request.headers_mut() = headers;
    let credentials = request.headers().contains_key("authorization");
    let service = layer.layer(service_fn(async |_| {
        Ok::<_, Infallible>(Response::new(String::new()))
    }));
    let answer = pin!(service.oneshot(request)).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Ok(answer)) = answer else {
        panic!("the service neither waits nor fails");
    };
    let echoed = answer
        .headers()
        .get("x-correlation-id")
        .map(|id| id.as_bytes().to_vec());
    drop(answer);

    let spans = telemetry.spans();
    telemetry.reset();
    let [span] = &spans[..] else {
        panic!("{} spans", spans.len());
    };
    let attribute = |key: &str| {
        let found = span
            .attributes
            .iter()
            .find(|attribute| attribute.key.as_str() == key);
        found.map(|attribute| attribute.value.clone())
    };
    let text = |key| attribute(key).map(|value| value.to_string());
    assert!(matches!(
        text("url.scheme").as_deref(),
        Some("http" | "https")
    ));
    if let Some(client) = text("client.address") {
        assert!(client.parse::<IpAddr>().is_ok(), "{client}");
    }
    for port in ["client.port", "server.port"] {
        let valid = |value| matches!(value, Value::I64(port) if u16::try_from(port).is_ok());
        assert!(attribute(port).is_none_or(valid));
    }
    if let Some(server) = text("server.address") {
        assert!((1..=255).contains(&server.len()) && server.bytes().all(|b| b.is_ascii_graphic()));
    }
    if credentials {
        let shown = text("http.request.header.authorization").unwrap_or_default();
        assert!(
            shown
                .replace("\"REDACTED\"", "")
                .chars()
                .all(|c| "[],".contains(c)),
            "{shown}"
        );
    }
    if let Some(id) = echoed {
        assert!((1..=128).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic));
    }
    text("client.address")
}
