//! Measures the cost of the middleware in instructions. A canned response replaces the network.
//!
//! The figure is the difference of two runs, which cancels start-up, divided by the difference of their counts:
//!
//! ```text
//! cargo build --profile cost -p telemetry-reqwest --example reqwest_cost
//! for calls in 2000 4000; do
//!     valgrind --tool=callgrind --callgrind-out-file=/dev/null target/cost/examples/reqwest_cost sampled $calls
//! done
//! ```
//!
//! Variants: `none` (reqwest-middleware with the canned response alone), `passing` (also a middleware that does nothing,
//! which is the cost of any middleware), `disabled` (no pipeline), `unsampled` and `sampled` (by the span of a request to
//! this process, as in a service). The cost of the middleware is the figure of a variant less that of `none`.

// A tool, not library code.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use async_trait::async_trait;
use http::Extensions;
use opentelemetry::{
    Context,
    trace::{
        FutureExt as _, SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
    },
};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next, Result};
use telemetry_pipeline::testing::unsent;
use telemetry_reqwest::TelemetryMiddleware;

/// The end of the chain: it returns a response without a network.
struct Canned;

#[async_trait]
impl Middleware for Canned {
    async fn handle(&self, _: Request, _: &mut Extensions, _: Next<'_>) -> Result<Response> {
        let response = http::Response::builder()
            .header("content-type", "application/json")
            .body("{}")
            .unwrap();
        Ok(response.into())
    }
}

/// A middleware that does nothing.
struct Passing;

#[async_trait]
impl Middleware for Passing {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        next.run(request, extensions).await
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let variant = arguments.next().unwrap_or_else(|| "sampled".to_owned());
    let calls: u32 = arguments
        .next()
        .map_or(1000, |calls| calls.parse().expect("a number of calls"));

    let telemetry = unsent().build().unwrap();
    let middleware = TelemetryMiddleware::new();
    let builder = ClientBuilder::new(reqwest::Client::new());
    let builder = match variant.as_str() {
        "none" => builder,
        "passing" => builder.with(Passing),
        "disabled" => builder.with(middleware),
        "sampled" | "unsampled" => {
            builder.with(middleware.with_providers(telemetry.providers().clone()))
        }
        other => unreachable!("no variant {other}"),
    };
    let client = builder.with(Canned).build();
    let flags = if variant == "unsampled" {
        TraceFlags::default()
    } else {
        TraceFlags::SAMPLED
    };
    let parent = SpanContext::new(
        TraceId::from(0xabc),
        SpanId::from(1),
        flags,
        false,
        TraceState::default(),
    );
    let parent = Context::new().with_remote_span_context(parent);
    let run = async {
        for _ in 0..calls {
            let call = client
                .get("http://inventory.shop.example:8080/stock/4711?warehouse=7")
                .header("accept", "application/json");
            let response = call.send().await.unwrap();
            assert_eq!(response.status(), 200);
        }
    };
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(run.with_context(parent));
}
