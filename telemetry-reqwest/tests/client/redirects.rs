//! Redirects that reqwest follows by itself, and the headers that go with them.

use std::net::SocketAddr;

use async_trait::async_trait;
use axum::{Router, response::Redirect};
use http::Extensions;
use opentelemetry::trace::FutureExt as _;
use reqwest::{Client, Request, Response, redirect};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use telemetry_api::Principal;
use telemetry_pipeline::testing::{LogRecord, TestTelemetry};
use telemetry_reqwest::{Hosts, TelemetryMiddleware, client_with};
use tracing::Level;

use crate::{
    middleware,
    propagation::{CONTEXT_HEADERS, caller},
    serve, server,
};

fn warnings(telemetry: &TestTelemetry) -> Vec<LogRecord> {
    let mut logs = telemetry.logs();
    logs.retain(|log| log.level <= Level::WARN);
    logs
}

/// A server that redirects to `localhost`, which is another host, and the builder of a client that resolves both.
async fn redirecting() -> (String, impl Fn() -> reqwest::ClientBuilder) {
    let elsewhere: SocketAddr = server().await;
    let port = elsewhere.port();
    let app = Router::new()
        .fallback(move || async move { Redirect::temporary(&format!("http://localhost:{port}/")) });
    let address = serve(app).await;
    let plain = move || Client::builder().resolve("localhost", elsewhere);
    (format!("http://{address}/"), plain)
}

async fn send(client: &ClientWithMiddleware, url: &str) -> Response {
    let cx = Principal::new("lovelace")
        .with_roles(["gold"])
        .attach_to(&caller());
    client.get(url).send().with_context(cx).await.unwrap()
}

#[tokio::test]
async fn a_redirect_to_a_host_that_is_not_allowed_is_left_to_the_caller() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.set_default();
    let (url, plain) = redirecting().await;
    let client = |hosts: &[&str]| {
        let middleware = middleware(&telemetry).with_propagation_to(Hosts::new(hosts));
        client_with(plain(), middleware).unwrap()
    };
    let stopped = send(&client(&["127.0.0.1"]), &url).await;
    assert_eq!(stopped.status(), 307);
    let followed = send(&client(&["127.0.0.1", "localhost"]), &url).await;
    assert_eq!(followed.status(), 200);
    let echoed = followed.text().await.unwrap();
    assert!(echoed.contains("role=buyer") && echoed.contains("user.roles=gold"));
    assert!(warnings(&telemetry).is_empty());
}

#[tokio::test]
async fn reqwests_own_policy_takes_everything_anywhere_which_is_said_once() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.set_default();
    let (url, plain) = redirecting().await;
    let middleware = middleware(&telemetry).with_propagation_to(Hosts::new(["127.0.0.1"]));
    let client = ClientBuilder::new(plain().build().unwrap())
        .with(middleware)
        .build();
    for _ in 0..2 {
        let echoed = send(&client, &format!("{url}?sig=secret"))
            .await
            .text()
            .await
            .unwrap();
        // No middleware can prevent this. The test fails once reqwest can.
        for header in CONTEXT_HEADERS {
            assert!(echoed.contains(header), "{header} {echoed}");
        }
        assert!(echoed.contains("user.roles=gold"), "{echoed}");
    }
    let warnings = warnings(&telemetry);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let warning = &warnings[0];
    assert!(warning.message.contains("redirected"), "{warning}");
    assert!(warning.to_string().contains("localhost"), "{warning}");
    assert!(!warning.to_string().contains("secret"), "{warning}");
}

#[tokio::test]
async fn without_an_allow_list_the_policy_of_the_builder_stays() {
    let telemetry = TestTelemetry::new();
    let (url, plain) = redirecting().await;
    let none = plain().redirect(redirect::Policy::none());
    let client = client_with(none, middleware(&telemetry)).unwrap();
    assert_eq!(send(&client, &url).await.status(), 307);
    let client = client_with(plain(), middleware(&telemetry)).unwrap();
    assert_eq!(send(&client, &url).await.status(), 200);
}

/// Answers without a URL, as a cache does.
struct Canned;

#[async_trait]
impl Middleware for Canned {
    async fn handle(
        &self,
        _: Request,
        _: &mut Extensions,
        _: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        Ok(http::Response::new("").into())
    }
}

#[tokio::test]
async fn an_answer_without_a_url_and_a_call_that_was_told_nothing_are_no_redirects() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.set_default();
    let with =
        |middleware: TelemetryMiddleware| middleware.with_propagation_to(Hosts::new(["127.0.0.1"]));
    let canned = ClientBuilder::new(Client::new())
        .with(with(middleware(&telemetry)))
        .with(Canned)
        .build();
    let _ = canned.get("http://127.0.0.1/").send().await.unwrap();
    let (url, plain) = redirecting().await;
    let stranger = ClientBuilder::new(plain().build().unwrap())
        .with(middleware(&telemetry).with_propagation_to(Hosts::none()))
        .build();
    let _ = stranger.get(url).send().await.unwrap();
    assert!(warnings(&telemetry).is_empty());
}
