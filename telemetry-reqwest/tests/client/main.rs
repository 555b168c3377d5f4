//! The middleware against real servers on loopback, with telemetry in memory.

// Clippy knows test functions, not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{net::SocketAddr, time::Duration};

use async_trait::async_trait;
use axum::{Router, extract::Request as ServerRequest, http::StatusCode, routing::get};
use http::Extensions;
use opentelemetry::{
    Context, InstrumentationScope, KeyValue,
    baggage::BaggageExt as _,
    trace::{FutureExt as _, SpanKind, TraceContextExt as _},
};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use telemetry_core::{CorrelationId, testing::TestTelemetry};
use telemetry_reqwest::TelemetryMiddleware;
use tokio::{io::AsyncReadExt, net::TcpListener};

const SHOWN: [&str; 4] = [
    "http.request.resend_count",
    "http.response.status_code",
    "error.type",
    "telemetry.outcome",
];

fn client(telemetry: &TestTelemetry) -> ClientWithMiddleware {
    let middleware = TelemetryMiddleware::new().with_providers(telemetry.providers().clone());
    ClientBuilder::new(reqwest::Client::new())
        .with(middleware)
        .build()
}

/// Answers `/status/{code}` with that code and everything else with the headers it got, one a line.
async fn server() -> SocketAddr {
    let headers = |request: ServerRequest| async move {
        let lines = request
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap_or("?")));
        lines.collect::<String>()
    };
    let app =
        Router::new()
            .route(
                "/status/{code}",
                get(|code: axum::extract::Path<u16>| async move {
                    StatusCode::from_u16(*code).unwrap()
                }),
            )
            .fallback(headers);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::test]
async fn a_call_is_a_client_span_whose_context_travels() {
    let (telemetry, address) = (TestTelemetry::new(), server().await);
    let tracer = telemetry
        .providers()
        .tracer(InstrumentationScope::builder("t").build());
    let request = tracer.start(&Context::new(), "GET /", SpanKind::Server, Vec::new);
    let cx = CorrelationId::parse("abc-123")
        .unwrap()
        .attach_to(&request)
        .with_baggage([KeyValue::new("role", "buyer")]);

    let url = format!("http://{address}/echo?sig=secret&a=1");
    let call = client(&telemetry)
        .get(&url)
        .header("user-agent", "shop/1")
        .send();
    let echoed = call.with_context(cx).await.unwrap().text().await.unwrap();
    request.span().end();

    let spans = telemetry.spans();
    let call = spans
        .iter()
        .find(|span| span.span_kind == SpanKind::Client)
        .unwrap();
    let (trace_id, span_id) = (call.span_context.trace_id(), call.span_context.span_id());
    for line in [
        format!("traceparent: 00-{trace_id}-{span_id}-01"),
        "x-correlation-id: abc-123".into(),
        "baggage: role=buyer".into(),
    ] {
        assert!(echoed.contains(&line), "{line} in {echoed}");
    }
    let port = address.port();
    let shown = [
        "http.request.method",
        "url.full",
        "server.address",
        "server.port",
        "user_agent.original",
        "http.response.status_code",
        "network.protocol.version",
        "network.peer.address",
        "network.peer.port",
    ];
    assert_eq!(
        telemetry.tree(&shown),
        format!(
            "SERVER GET /\n  CLIENT GET http.request.method=\"GET\" \
             url.full=\"http://127.0.0.1:{port}/echo?sig=REDACTED&a=1\" server.address=\"127.0.0.1\" \
             server.port={port} user_agent.original=\"shop/1\" http.response.status_code=200 \
             network.protocol.version=\"1.1\" network.peer.address=\"127.0.0.1\" network.peer.port={port}\n"
        )
    );
    let series = format!(
        "http_client_request_duration_seconds_count{{http_request_method=\"GET\",http_response_status_code=\"200\",\
         network_protocol_version=\"1.1\",server_address=\"127.0.0.1\",server_port=\"{port}\"}}"
    );
    assert_eq!(
        telemetry.metric(&series),
        Some(1.0),
        "{}",
        telemetry.metrics()
    );
}

#[tokio::test]
async fn status_codes_from_400_on_are_errors_of_the_client() {
    let (telemetry, address) = (TestTelemetry::new(), server().await);
    for code in [204, 302, 404, 503] {
        let _ = client(&telemetry)
            .get(format!("http://{address}/status/{code}"))
            .send()
            .await
            .unwrap();
    }
    assert_eq!(
        telemetry.tree(&SHOWN),
        r#"CLIENT GET http.response.status_code=204
CLIENT GET http.response.status_code=302
CLIENT GET http.response.status_code=404 error.type="404" ERROR
CLIENT GET http.response.status_code=503 error.type="503" ERROR
"#
    );
}

#[tokio::test]
async fn failures_have_a_bounded_error_type_and_tell_no_url() {
    let telemetry = TestTelemetry::new();
    let client = client(&telemetry);
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    assert!(
        client
            .get(format!("http://{free}/?sig=secret"))
            .send()
            .await
            .is_err()
    );
    assert!(
        client
            .get("http://no-such-host.invalid/")
            .send()
            .await
            .is_err()
    );

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    assert!(
        client
            .get(&url)
            .timeout(Duration::from_millis(20))
            .send()
            .await
            .is_err()
    );
    // Accepts the two connections of the kernel's backlog, reads, and closes without an answer.
    let hang_up = async {
        for _ in 0..2 {
            let (mut socket, _) = silent.accept().await.unwrap();
            let _ = socket.read(&mut [0; 512]).await;
        }
    };
    let (answer, ()) = tokio::join!(client.get(&url).send(), hang_up);
    assert!(answer.is_err());

    assert_eq!(
        telemetry.tree(&SHOWN),
        r#"CLIENT GET error.type="connect" ERROR
CLIENT GET error.type="dns" ERROR
CLIENT GET error.type="timeout" ERROR
CLIENT GET error.type="request" ERROR
"#
    );
    assert!(!format!("{:?}", telemetry.spans()).contains("secret"));
    assert!(telemetry.metrics().contains("error_type=\"dns\""));
}

#[tokio::test]
async fn a_call_that_is_given_up_ends_unset_and_is_counted() {
    let telemetry = TestTelemetry::new();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let call = client(&telemetry)
        .get(format!("http://{}/", silent.local_addr().unwrap()))
        .send();
    assert!(
        tokio::time::timeout(Duration::from_millis(20), call)
            .await
            .is_err()
    );
    assert_eq!(
        telemetry.tree(&SHOWN),
        "CLIENT GET telemetry.outcome=\"cancelled\"\n"
    );
    assert!(
        telemetry
            .metrics()
            .contains("http_client_request_duration_seconds_count")
    );
}

#[tokio::test]
async fn each_attempt_is_a_span_of_its_own() {
    struct Retry;
    #[async_trait]
    impl Middleware for Retry {
        async fn handle(
            &self,
            request: Request,
            extensions: &mut Extensions,
            next: Next<'_>,
        ) -> reqwest_middleware::Result<Response> {
            for _ in 0..2 {
                let again = request.try_clone().expect("no body");
                let _ = next.clone().run(again, extensions).await;
            }
            next.run(request, extensions).await
        }
    }
    let (telemetry, address) = (TestTelemetry::new(), server().await);
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(Retry)
        .with(TelemetryMiddleware::new().with_providers(telemetry.providers().clone()))
        .build();
    let _ = client
        .get(format!("http://{address}/status/503"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        telemetry.tree(&["http.request.resend_count"]),
        "CLIENT GET ERROR\nCLIENT GET http.request.resend_count=1 ERROR\nCLIENT GET http.request.resend_count=2 ERROR\n"
    );
}

#[tokio::test]
async fn without_a_pipeline_the_correlation_id_still_travels() {
    let address = server().await;
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(TelemetryMiddleware::new())
        .build();
    let cx = CorrelationId::parse("abc-123")
        .unwrap()
        .attach_to(&Context::new());
    let echoed = client
        .get(format!("http://{address}/"))
        .send()
        .with_context(cx)
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        echoed.contains("x-correlation-id: abc-123") && !echoed.contains("traceparent"),
        "{echoed}"
    );
}
