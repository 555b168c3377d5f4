use axum::{Extension, Router, extract::ConnectInfo, routing::any};
use http::{HeaderName, StatusCode};
use std::net::SocketAddr;
use telemetry_api::instrument::scrape::ScrapeFormat;
use telemetry_axum::{Correlation, Operation, ProxyHeaders};
use telemetry_pipeline::Config;

use super::*;

fn hello() -> Router {
    Router::new().route("/", any(|| async { "hello" }))
}

fn with(
    routes: Router,
    telemetry: &TestTelemetry,
    options: impl FnOnce(TelemetryLayer) -> TelemetryLayer,
) -> Router {
    let layer = TelemetryLayer::new().with_providers(telemetry.providers().clone());
    routes.layer(options(layer))
}

fn from(peer: [u8; 4], headers: &[(&'static str, &str)]) -> Request<Body> {
    let mut request = get("/");
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    let peer = ConnectInfo(SocketAddr::from((peer, 4000)));
    request.extensions_mut().insert(peer);
    request
}

#[tokio::test]
async fn known_methods_are_the_services_to_say() {
    let telemetry = TestTelemetry::new();
    let app = with(hello(), &telemetry, |layer| {
        layer.with_known_methods(["GET", "PURGE"])
    });
    for method in ["GET", "PURGE", "PUT"] {
        let request = Request::builder().method(method).uri("/");
        send(&app, request.body(Body::empty()).unwrap()).await;
    }
    let shown = ["http.request.method", "http.request.method_original"];
    assert_eq!(
        telemetry.tree(&shown),
        r#"SERVER GET / http.request.method="GET"
SERVER PURGE / http.request.method="PURGE"
SERVER HTTP / http.request.method="_OTHER" http.request.method_original="PUT"
"#
    );
    let active = r#"http_server_active_requests{http_request_method="PURGE",url_scheme="http"}"#;
    assert_eq!(telemetry.metric(active), Some(0.0));
}

#[tokio::test]
async fn known_methods_of_the_environment_count_as_well() {
    let telemetry = TestTelemetry::new();
    let layer = TelemetryLayer::from_environment(|name| {
        (name == "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS").then(|| "PURGE".to_owned())
    });
    let app = hello().layer(layer.with_providers(telemetry.providers().clone()));
    let request = Request::builder().method("PURGE").uri("/");
    send(&app, request.body(Body::empty()).unwrap()).await;
    assert_eq!(telemetry.tree(&[]), "SERVER PURGE /\n");
}

#[tokio::test]
async fn a_layer_made_before_the_pipeline_heeds_its_settings() {
    let layer = TelemetryLayer::new();
    let telemetry = Config::new("shop")
        .with_environment([
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
        ])
        .with_setting("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "PURGE")
        .build()
        .unwrap();
    let app = hello().layer(layer.with_providers(telemetry.providers().clone()));
    for method in ["PURGE", "PUT"] {
        let request = Request::builder().method(method).uri("/");
        send(&app, request.body(Body::empty()).unwrap()).await;
    }
    let text = telemetry.providers().scrape(ScrapeFormat::Prometheus);
    let text = text.unwrap();
    for (method, is_known) in [("PURGE", true), ("PUT", false), ("_OTHER", true)] {
        let label = format!("http_request_method=\"{method}\"");
        assert_eq!(text.contains(&label), is_known, "{text}");
    }
    let report = telemetry.report();
    let known = report.get("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS");
    assert_eq!(known.map(|entry| &*entry.value), Some("PURGE"));
}

#[tokio::test]
async fn listed_hosts_are_labels_and_others_are_not() {
    let telemetry = TestTelemetry::new();
    let routes = Router::new().fallback(|| async { Extension(Operation::new("/fallback")) });
    let app = with(hello().merge(routes), &telemetry, |layer| {
        layer
            .with_server_address_metrics(["shop.example", "api.example:8443"])
            .with_trusted_proxies(["10.0.0.0/8".parse().unwrap()])
            .with_body_sizes()
    });
    for uri in [
        "http://SHOP.example:81/",
        "http://api.example:8443/",
        "http://api.example:8443/unmatched",
        "http://api.example/",
        "http://evil.example/",
    ] {
        send(&app, Request::get(uri).body(Body::empty()).unwrap()).await;
    }
    let forwarded = from([10, 0, 0, 1], &[("x-forwarded-host", "shop.example")]);
    send(&app, forwarded).await;
    let shop = r#"server_address="shop.example""#;
    let api = r#"server_address="api.example",server_port="8443""#;
    let count = |metric: &str, labels: &[&str]| {
        let labels = labels.join(",");
        telemetry.metric(&format!("{metric}{{{labels}}}"))
    };
    let expected = [2.0, 1.0, 2.0].map(Some);
    for metric in [
        "http_server_request_duration_seconds_count",
        "http_server_response_body_size_bytes_count",
    ] {
        let of = |route: &'static str, server: &[&'static str]| {
            let route = format!("http_route=\"{route}\"");
            let first = [
                r#"http_request_method="GET""#,
                r#"http_response_status_code="200""#,
                &route,
                r#"network_protocol_version="1.1""#,
            ];
            let last = r#"url_scheme="http""#;
            count(metric, &[&first[..], server, &[last]].concat())
        };
        let found = [of("/", &[shop]), of("/", &[api]), of("/", &[])];
        assert_eq!(found, expected, "{metric}\n{}", telemetry.metrics());
        assert_eq!(of("/fallback", &[api]), Some(1.0), "{metric}");
    }
    let method = r#"http_request_method="GET""#;
    for server in [&[shop][..], &[api], &[]] {
        let labels = [&[method], server, &[r#"url_scheme="http""#]].concat();
        let active = count("http_server_active_requests", &labels);
        assert_eq!(active, Some(0.0), "{server:?}");
    }
}

#[tokio::test]
async fn each_layer_has_hosts_of_its_own() {
    let telemetry = TestTelemetry::new();
    let listing = |host| {
        with(hello(), &telemetry, |layer| {
            layer.with_server_address_metrics([host])
        })
    };
    let apps = [listing("a.example"), listing("b.example")];
    let active = |server: &str| {
        let labels = format!(r#"http_request_method="GET",{server}url_scheme="http""#);
        telemetry.metric(&format!("http_server_active_requests{{{labels}}}"))
    };
    let all = || {
        let servers = [
            r#"server_address="a.example","#,
            r#"server_address="b.example","#,
            "",
        ];
        servers.map(active)
    };
    let mut responses = Vec::new();
    for app in &apps {
        for host in ["a.example", "b.example"] {
            let request = Request::get("/").header("host", host);
            let request = request.body(Body::empty()).unwrap();
            responses.push(app.clone().oneshot(request).await.unwrap());
        }
    }
    // The requests are active, because nobody has read the bodies.
    assert_eq!(all(), [1.0, 1.0, 2.0].map(Some));
    drop(responses);
    assert_eq!(all(), [0.0; 3].map(Some));
}

#[tokio::test]
async fn a_trusted_proxy_tells_who_asks_and_a_stranger_does_not() {
    let telemetry = TestTelemetry::new();
    let app = with(hello(), &telemetry, |layer| {
        layer
            .with_trusted_proxies(["10.0.0.0/8".parse().unwrap()])
            .with_proxy_headers(ProxyHeaders::Forwarded)
            .with_client_port()
            .with_network_transport()
    });
    let headers = [(
        "forwarded",
        "for=\"[2001:db8::7]:99\";proto=https;host=shop.public",
    )];
    send(&app, from([10, 0, 0, 1], &headers)).await;
    send(&app, from([192, 0, 2, 1], &headers)).await;
    let shown = [
        "url.scheme",
        "server.address",
        "server.port",
        "client.address",
        "client.port",
        "network.peer.address",
        "network.peer.port",
        "network.transport",
    ];
    assert_eq!(
        telemetry.tree(&shown),
        r#"SERVER GET / url.scheme="https" server.address="shop.public" server.port=443 client.address="2001:db8::7" client.port=99 network.peer.address="10.0.0.1" network.peer.port=4000 network.transport="tcp"
SERVER GET / url.scheme="http" server.address="shop.example" server.port=8080 client.address="192.0.2.1" client.port=4000 network.peer.address="192.0.2.1" network.peer.port=4000 network.transport="tcp"
"#
    );
}

#[tokio::test]
async fn a_client_that_its_proxy_does_not_name_is_not_the_proxy() {
    let telemetry = TestTelemetry::new();
    let app = with(hello(), &telemetry, |layer| {
        layer.with_trusted_proxies(["10.0.0.0/8".parse().unwrap()])
    });
    for headers in [
        [
            ("x-forwarded-for", "unknown"),
            ("x-forwarded-proto", "https"),
        ],
        // This proxy does not write `Forwarded`, so the caller has written it.
        [
            ("x-forwarded-for", "192.0.2.7"),
            ("forwarded", "for=6.6.6.6;proto=https"),
        ],
    ] {
        send(&app, from([10, 0, 0, 1], &headers)).await;
    }
    assert_eq!(
        telemetry.tree(&["url.scheme", "client.address"]),
        r#"SERVER GET / url.scheme="https"
SERVER GET / url.scheme="http" client.address="192.0.2.7"
"#
    );
}

#[tokio::test]
async fn a_service_that_terminates_tls_says_so() {
    let telemetry = TestTelemetry::new();
    let app = with(hello(), &telemetry, |layer| {
        layer
            .with_scheme(http::uri::Scheme::HTTPS)
            .with_trusted_proxies(["10.0.0.0/8".parse().unwrap()])
    });
    let mut without_port = from([192, 0, 2, 1], &[]);
    let host = http::HeaderValue::from_static("shop.example");
    without_port.headers_mut().insert("host", host);
    send(&app, without_port).await;
    send(&app, from([10, 0, 0, 1], &[("x-forwarded-proto", "http")])).await;
    assert_eq!(
        telemetry.tree(&["url.scheme", "server.port"]),
        r#"SERVER GET / url.scheme="https" server.port=443
SERVER GET / url.scheme="http" server.port=8080
"#
    );
    let active = r#"http_server_active_requests{http_request_method="GET",url_scheme="https"}"#;
    assert_eq!(telemetry.metric(active), Some(0.0));
}

#[tokio::test]
async fn headers_are_captured_when_asked_for_and_credentials_never() {
    let telemetry = TestTelemetry::new();
    let answer = || async { ([("x-shop", "a"), ("set-cookie", "s=1")], "hello") };
    let routes = Router::new().route("/", any(answer));
    let asked = ["x-tenant", "authorization", "x-secret", "absent"];
    let app = with(routes, &telemetry, |layer| {
        layer
            .with_captured_request_headers(asked.map(HeaderName::from_static))
            .with_captured_response_headers(["x-shop", "set-cookie"].map(HeaderName::from_static))
            .with_redacted_headers([HeaderName::from_static("x-secret")])
    });
    let headers = [
        ("x-tenant", "a"),
        ("x-tenant", "b"),
        ("authorization", "Bearer t"),
        ("cookie", "c"),
        ("x-secret", "s"),
    ];
    send(&app, from([127, 0, 0, 1], &headers)).await;
    let spans = telemetry.spans();
    let mut captured: Vec<_> = spans[0]
        .attributes
        .iter()
        .filter(|attribute| attribute.key.as_str().contains(".header."))
        .map(|attribute| format!("{}={}", attribute.key, attribute.value))
        .collect();
    captured.sort();
    let expected = [
        r#"http.request.header.authorization=["REDACTED"]"#,
        r#"http.request.header.x-secret=["REDACTED"]"#,
        r#"http.request.header.x-tenant=["a","b"]"#,
        r#"http.response.header.set-cookie=["REDACTED"]"#,
        r#"http.response.header.x-shop=["a"]"#,
    ];
    assert_eq!(captured, expected);
}

#[tokio::test]
async fn without_being_asked_no_header_leaves() {
    let telemetry = TestTelemetry::new();
    let app = layered(hello(), &telemetry);
    let headers = [("authorization", "Bearer t"), ("cookie", "c")];
    send(&app, from([127, 0, 0, 1], &headers)).await;
    let spans = format!("{:?}", telemetry.spans());
    assert!(
        !spans.contains("Bearer") && !spans.contains("cookie"),
        "{spans}"
    );
}

#[tokio::test]
async fn secrets_in_a_query_may_have_names_of_the_services_own() {
    let telemetry = TestTelemetry::new();
    let app = with(hello(), &telemetry, |layer| {
        layer.with_redacted_query_keys(["token"])
    });
    send(&app, get("/?token=abc&sig=def&page=1")).await;
    assert_eq!(
        telemetry.tree(&["url.query"]),
        "SERVER GET / url.query=\"token=REDACTED&sig=REDACTED&page=1\"\n"
    );
}

#[tokio::test]
async fn excluded_routes_are_neither_traced_nor_measured() {
    let telemetry = TestTelemetry::new();
    let routes = hello()
        .route("/poll/{id}", any(|| async { "" }))
        .route("/internal/a/b", any(|| async { "" }))
        .route("/livez", any(|| async { "" }));
    let app = with(routes, &telemetry, |layer| {
        layer.with_excluded_routes(["/poll/{id}", "/internal/*"])
    });
    for path in ["/poll/7", "/internal/a/b", "/livez"] {
        send(&app, get(path)).await;
    }
    assert_eq!(telemetry.tree(&[]), "SERVER GET /livez\n");
    assert_eq!(active(&telemetry), Some(0.0));
}

#[tokio::test]
async fn a_public_endpoint_links_to_its_caller_and_obeys_nothing_of_it() {
    let telemetry = TestTelemetry::new();
    let baggage = || async {
        use opentelemetry::{baggage::BaggageExt, trace::TraceContextExt};
        opentelemetry::Context::map_current(|cx| {
            let span = cx.span();
            let state = span.span_context().trace_state().header();
            format!("{}{state}", cx.baggage().len())
        })
    };
    let routes = Router::new().route("/", any(baggage));
    let app = with(routes, &telemetry, TelemetryLayer::with_public_endpoint);
    let headers = [
        (
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
        ),
        ("tracestate", "vendor=1"),
        ("baggage", "role=admin"),
        ("x-correlation-id", "support-17"),
    ];
    let response = app.oneshot(from([192, 0, 2, 1], &headers)).await.unwrap();
    assert_eq!(response.headers()["x-correlation-id"], "support-17");
    let seen = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(seen, "0");

    let span = telemetry.spans().remove(0);
    assert_eq!(span.parent_span_id.to_string(), "0000000000000000");
    assert_ne!(
        span.span_context.trace_id().to_string(),
        "4bf92f3577b34da6a3ce929d0e0e4736"
    );
    let links: Vec<_> = span
        .links
        .iter()
        .map(|link| link.span_context.span_id().to_string())
        .collect();
    assert_eq!(links, ["00f067aa0ba902b7"]);
}

#[tokio::test]
async fn correlation_headers_are_the_services_to_name() {
    let telemetry = TestTelemetry::new();
    let quote = |Correlation(id): Correlation| async move { id.to_string() };
    let routes = Router::new().route("/", any(quote));
    let app = with(routes, &telemetry, |layer| {
        layer.with_correlation_headers(["x-ticket", "x-other"].map(HeaderName::from_static))
    });
    let headers = [("x-correlation-id", "ignored"), ("x-other", "t-1")];
    let request = from([127, 0, 0, 1], &headers);
    let response = app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["x-ticket"], "t-1");
    assert!(!response.headers().contains_key("x-correlation-id"));
    let seen = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(seen, "t-1");
}

#[tokio::test]
async fn callers_learn_the_trace_when_they_may() {
    let telemetry = TestTelemetry::new();
    let answer = || async { ([("server-timing", "db;dur=3")], "") };
    let routes = Router::new().route("/", any(answer));
    let app = with(routes, &telemetry, |layer| {
        layer.with_traceresponse().with_server_timing()
    });
    let response = send(&app, get("/")).await;
    let span = telemetry.spans().remove(0).span_context;
    let id = format!("00-{}-{}-01", span.trace_id(), span.span_id());
    assert_eq!(response.headers()["traceresponse"], id.as_str());
    let timings: Vec<_> = response.headers().get_all("server-timing").iter().collect();
    assert_eq!(timings, ["db;dur=3", &format!("traceparent;desc=\"{id}\"")]);
    let plain = send(&layered(hello(), &telemetry), get("/")).await;
    assert!(!plain.headers().contains_key("traceresponse"));
}

#[tokio::test]
async fn services_without_a_route_name_their_operation() {
    let telemetry = TestTelemetry::new();
    let files = || async { (Extension(Operation::new("/files/{*path}")), "file") };
    let inner = layered(
        Router::new().route("/things/{id}", any(|| async { "thing" })),
        &telemetry,
    );
    let service = Router::new().route("/inner/{id}", any(|| async { StatusCode::OK }));
    let routes = Router::new()
        .nest_service("/mounted", inner)
        .nest_service("/opaque", service)
        .route_service("/one/{id}", any(|| async { "one" }))
        .fallback(files);
    let app = layered(routes, &telemetry);
    for path in ["/a/b", "/mounted/things/7", "/opaque/inner/7", "/one/1"] {
        send(&app, get(path)).await;
    }
    let mut named = get("/opaque/inner/7");
    named
        .extensions_mut()
        .insert(Operation::new("/opaque/inner/{id}"));
    send(&app, named).await;
    assert_eq!(
        telemetry.tree(&["http.route"]),
        r#"SERVER GET /files/{*path} http.route="/files/{*path}"
SERVER GET /mounted/things/{id} http.route="/mounted/things/{id}"
SERVER GET
SERVER GET /one/{id} http.route="/one/{id}"
SERVER GET /opaque/inner/{id} http.route="/opaque/inner/{id}"
"#
    );
    let measured = telemetry.metrics();
    for route in ["/files/{*path}", "/mounted/things/{id}"] {
        let label = format!("http_route=\"{route}\"");
        assert!(measured.contains(&label), "{measured}");
    }
}
