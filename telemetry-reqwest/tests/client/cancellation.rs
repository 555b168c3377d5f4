//! Calls that the caller drops.

use std::{
    future::Future,
    pin::Pin,
    task::{Context as TaskContext, Poll, Waker},
};

use async_trait::async_trait;
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next};
use telemetry_pipeline::testing::TestTelemetry;
use telemetry_reqwest::SpanEnd;
use tokio::net::TcpListener;

use crate::{SHOWN, SOON, client, middleware};

#[tokio::test]
async fn a_call_that_is_given_up_ends_unset_and_is_counted() {
    let telemetry = TestTelemetry::new();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let call = client(&telemetry).get(format!("http://{address}/")).send();
    assert!(tokio::time::timeout(SOON, call).await.is_err());
    assert_eq!(
        telemetry.tree(&SHOWN),
        "CLIENT GET telemetry.outcome=\"cancelled\"\n"
    );
    // The series has no `error.type`, and it is the only one.
    let series = format!(
        "http_client_request_duration_seconds_count{{http_request_method=\"GET\",server_address=\"127.0.0.1\",\
         server_port=\"{}\"}}",
        address.port()
    );
    let metrics = telemetry.metrics();
    assert_eq!(telemetry.metric(&series), Some(1.0), "{metrics}");
    let counts = metrics.lines().filter(|line| line.contains("_count"));
    assert_eq!(counts.count(), 1, "{metrics}");
}

/// Yields so many times before and after a canned response.
struct Slow(u32);

#[async_trait]
impl Middleware for Slow {
    async fn handle(
        &self,
        _: Request,
        _: &mut Extensions,
        _: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        for _ in 0..self.0 {
            tokio::task::yield_now().await;
        }
        Ok(http::Response::new("some body").into())
    }
}

#[tokio::test]
async fn a_call_dropped_at_any_await_point_leaks_nothing() {
    let telemetry = TestTelemetry::new();
    for end in [SpanEnd::Head, SpanEnd::Body] {
        let middleware = middleware(&telemetry)
            .with_span_end(end)
            .with_active_requests();
        let client = ClientBuilder::new(reqwest::Client::new())
            .with(middleware)
            .with(Slow(5))
            .build();
        for polls in 0..8 {
            let before = telemetry.spans().len();
            let mut call: Pin<Box<dyn Future<Output = _>>> =
                Box::pin(client.get("http://shop.example/").send());
            let mut cx = TaskContext::from_waker(Waker::noop());
            for _ in 0..polls {
                if let Poll::Ready(response) = call.as_mut().poll(&mut cx) {
                    drop::<Result<Response, _>>(response);
                    break;
                }
            }
            drop(call);
            let started = usize::from(polls > 0);
            assert_eq!(telemetry.spans().len() - before, started, "{end:?} {polls}");
            let active = telemetry.metric(
                r#"http_client_active_requests{http_request_method="GET",server_address="shop.example",server_port="80"}"#,
            );
            assert_eq!(active.unwrap_or_default(), 0.0, "{end:?} {polls}");
        }
    }
}
