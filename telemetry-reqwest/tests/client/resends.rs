//! Attempts: retries and redirects.

use async_trait::async_trait;
use axum::{Router, response::Redirect, routing::get};
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next};
use reqwest_retry::{RetryTransientMiddleware, policies::ExponentialBackoff};
use telemetry_pipeline::testing::TestTelemetry;
use telemetry_reqwest::TelemetryMiddleware;

use crate::{SOON, listen, middleware, serve, server};

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
async fn each_attempt_of_reqwest_retry_is_a_span_of_its_own() {
    let (telemetry, address) = (TestTelemetry::new(), server().await);
    let policy = ExponentialBackoff::builder()
        .retry_bounds(SOON / 20, SOON / 10)
        .build_with_max_retries(2);
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(RetryTransientMiddleware::new_with_policy(policy))
        .with(middleware(&telemetry))
        .build();
    let send = async |url: String| client.get(url).send().await;
    let failed = send(format!("http://{address}/status/503")).await;
    assert_eq!(failed.unwrap().status(), 503);
    // Another request counts from zero, and a success is not sent again.
    assert!(send(format!("http://{address}/")).await.is_ok());
    let (listener, nobody) = listen().await;
    drop(listener);
    assert!(send(format!("http://{nobody}/")).await.is_err());
    assert_eq!(
        telemetry.tree(&["http.request.resend_count", "error.type"]),
        r#"CLIENT GET error.type="503" ERROR
CLIENT GET http.request.resend_count=1 error.type="503" ERROR
CLIENT GET http.request.resend_count=2 error.type="503" ERROR
CLIENT GET
CLIENT GET error.type="connect" ERROR
CLIENT GET http.request.resend_count=1 error.type="connect" ERROR
CLIENT GET http.request.resend_count=2 error.type="connect" ERROR
"#
    );
}

#[tokio::test]
async fn an_attempt_that_is_given_up_for_the_next_one_counts() {
    /// Drops the first attempt when it is slow.
    struct Hedge;
    #[async_trait]
    impl Middleware for Hedge {
        async fn handle(
            &self,
            request: Request,
            extensions: &mut Extensions,
            next: Next<'_>,
        ) -> reqwest_middleware::Result<Response> {
            let again = request.try_clone().expect("no body");
            let first = next.clone().run(request, extensions);
            match tokio::time::timeout(SOON, first).await {
                Ok(response) => response,
                Err(_) => next.run(again, extensions).await,
            }
        }
    }
    let telemetry = TestTelemetry::new();
    let (listener, address) = listen().await;
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(Hedge)
        .with(middleware(&telemetry))
        .build();
    let answer_second = async {
        let _first = listener.accept().await.unwrap();
        crate::answer(&listener, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await
    };
    let call = client.get(format!("http://{address}/")).send();
    let (response, _) = tokio::join!(call, answer_second);
    assert!(response.is_ok());
    assert_eq!(
        telemetry.tree(&["http.request.resend_count", "telemetry.outcome"]),
        "CLIENT GET telemetry.outcome=\"cancelled\"\nCLIENT GET http.request.resend_count=1\n"
    );
}

#[tokio::test]
async fn a_redirect_that_reqwest_follows_is_inside_of_one_attempt() {
    let telemetry = TestTelemetry::new();
    let app = Router::new()
        .route(
            "/old",
            get(|| async { Redirect::temporary("/new?sig=secret") }),
        )
        .route("/new", get(|| async { "here" }))
        .route("/loop", get(|| async { Redirect::temporary("/loop") }));
    let address = serve(app).await;
    let client = crate::client(&telemetry);
    let response = client
        .get(format!("http://{address}/old"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.url().path(), "/new");
    let endless = client.get(format!("http://{address}/loop")).send().await;
    assert!(endless.is_err());
    let port = address.port();
    assert_eq!(
        telemetry.tree(&["url.full", "http.response.status_code", "error.type"]),
        format!(
            "CLIENT GET url.full=\"http://127.0.0.1:{port}/old\" http.response.status_code=200\n\
             CLIENT GET url.full=\"http://127.0.0.1:{port}/loop\" error.type=\"redirect\" ERROR\n"
        )
    );
}

#[tokio::test]
async fn redirects_followed_above_the_middleware_are_attempts_of_their_own() {
    /// Follows one redirect, on the same host.
    struct Follow;
    #[async_trait]
    impl Middleware for Follow {
        async fn handle(
            &self,
            request: Request,
            extensions: &mut Extensions,
            next: Next<'_>,
        ) -> reqwest_middleware::Result<Response> {
            let mut again = request.try_clone().expect("no body");
            let response = next.clone().run(request, extensions).await?;
            let Some(location) = response.headers().get("location") else {
                return Ok(response);
            };
            again.url_mut().set_path(location.to_str().unwrap());
            next.run(again, extensions).await
        }
    }
    let telemetry = TestTelemetry::new();
    let app = Router::new()
        .route("/old", get(|| async { Redirect::temporary("/new") }))
        .route("/new", get(|| async { "here" }));
    let address = serve(app).await;
    let plain = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let client = ClientBuilder::new(plain)
        .with(Follow)
        .with(middleware(&telemetry))
        .build();
    let response = client.get(format!("http://{address}/old")).send().await;
    assert_eq!(response.unwrap().status(), 200);
    assert_eq!(
        telemetry.tree(&["http.request.resend_count", "http.response.status_code"]),
        "CLIENT GET http.response.status_code=307\nCLIENT GET http.request.resend_count=1 http.response.status_code=200\n"
    );
}
