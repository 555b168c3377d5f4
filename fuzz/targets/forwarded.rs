//! A request through the whole axum layer, behind a proxy that is trusted: whatever `Forwarded`, `X-Forwarded-*`, `Host`
//! and the correlation headers say, the span tells addresses, ports and schemes, and the answer's headers are valid.

#![no_main]

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::OnceLock,
    task::{Context, Poll, Waker},
};

use http::{HeaderName, Request, Response};
use libfuzzer_sys::fuzz_target;
use opentelemetry::Value;
use telemetry_axum::TelemetryLayer;
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

fuzz_target!(|data: &[u8]| {
    static TELEMETRY: OnceLock<(TestTelemetry, TelemetryLayer)> = OnceLock::new();
    let (telemetry, layer) = TELEMETRY.get_or_init(|| {
        let telemetry = TestTelemetry::new();
        let captured = ["forwarded", "authorization"].map(HeaderName::from_static);
        let layer = TelemetryLayer::new()
            .with_providers(telemetry.providers().clone())
            .with_trusted_proxies(["10.0.0.0/8".parse().expect("a network")])
            .with_peer_address(|_| Some(SocketAddr::from(([10, 0, 0, 1], 4000))))
            .with_captured_request_headers(captured);
        (telemetry, layer)
    });

    let mut request = Request::new(String::new());
    *request.headers_mut() = headers(data, &NAMES);
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
});
