//! Calls in which code below the telemetry panics, and the panic is caught at different places.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context as TaskContext, Poll},
};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::Extensions;
use http_body::{Body as HttpBody, Frame};
use opentelemetry::{Context, trace::TraceContextExt as _};
use reqwest::{Body, Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next, Result};
use telemetry_pipeline::testing::TestTelemetry;
use telemetry_reqwest::SpanEnd;

use crate::{SHOWN, middleware};

/// The place where the code below the telemetry panics.
#[derive(Clone, Copy, Debug)]
enum Panics {
    WhenCalled,
    WhenPolled,
    InTheBody,
}

impl Middleware for Panics {
    fn handle<'a, 'b, 'c, 'f>(
        &'a self,
        _: Request,
        _: &'b mut Extensions,
        _: Next<'c>,
    ) -> Pin<Box<dyn Future<Output = Result<Response>> + Send + 'f>>
    where
        'a: 'f,
        'b: 'f,
        'c: 'f,
        Self: 'f,
    {
        assert!(!matches!(self, Self::WhenCalled));
        Box::pin(async move {
            tokio::task::yield_now().await;
            assert!(!matches!(self, Self::WhenPolled));
            Ok(http::Response::new(Body::wrap(Broken)).into())
        })
    }
}

struct Broken;

impl HttpBody for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut TaskContext<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, std::io::Error>>> {
        unreachable!("a body that panics")
    }
}

fn client(telemetry: &TestTelemetry, panics: Panics) -> ClientWithMiddleware {
    let telemetry = middleware(telemetry)
        .with_span_end(SpanEnd::Body)
        .with_active_requests();
    ClientBuilder::new(reqwest::Client::new())
        .with(telemetry)
        .with(panics)
        .build()
}

#[tokio::test]
async fn a_panic_below_is_an_error_and_not_a_call_that_was_given_up() {
    for (panics, seen) in [
        (Panics::WhenCalled, ""),
        (Panics::WhenPolled, ""),
        (Panics::InTheBody, "http.response.status_code=200 "),
    ] {
        let telemetry = TestTelemetry::new();
        let client = client(&telemetry, panics);
        let call = async {
            let response = client.get("http://shop.example/").send().await?;
            Result::Ok(response.text().await?)
        };
        assert!(AssertUnwindSafe(call).catch_unwind().await.is_err());
        assert_eq!(
            telemetry.tree(&SHOWN),
            format!("CLIENT GET {seen}error.type=\"panic\" telemetry.outcome=\"panicked\" ERROR\n")
        );
        let metrics = telemetry.metrics();
        let series = "http_client_request_duration_seconds_count{error_type=\"panic\"";
        assert!(metrics.contains(series), "{metrics}");
        let active = telemetry.metric(
            r#"http_client_active_requests{http_request_method="GET",server_address="shop.example",server_port="80"}"#,
        );
        assert_eq!(active, Some(0.0), "{panics:?}");
        assert!(!Context::map_current(|cx| cx.has_active_span()));
    }
}
