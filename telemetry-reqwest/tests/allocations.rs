//! Limits the allocations of the middleware. A change that needs more must raise the limit here.
//!
//! It is a binary by itself, because it replaces the allocator.

// Clippy's `allow-*-in-tests` covers test functions, not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::future::Future;

use async_trait::async_trait;
use http::Extensions;
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState},
};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next, Result};
use telemetry_pipeline::testing::unsent;
use telemetry_reqwest::TelemetryMiddleware;

struct Canned;

#[async_trait]
impl Middleware for Canned {
    async fn handle(&self, _: Request, _: &mut Extensions, _: Next<'_>) -> Result<Response> {
        Ok(http::Response::new("").into())
    }
}

/// The allocations of one call, after the first calls have allocated everything that is kept.
fn allocations(client: &ClientWithMiddleware, parent: &Context) -> u64 {
    let call = || {
        let _attached = parent.clone().attach();
        let call = client
            .get("http://inventory.shop.example:8080/stock/4711?warehouse=7")
            .header("accept", "application/json");
        let mut call = std::pin::pin!(call.send());
        let waker = std::task::Waker::noop();
        assert!(
            call.as_mut()
                .poll(&mut std::task::Context::from_waker(waker))
                .is_ready()
        );
    };
    call();
    call();
    allocation_counter::measure(call).count_total
}

/// The span of a request to this process.
fn parent(flags: TraceFlags) -> Context {
    Context::new().with_remote_span_context(SpanContext::new(
        TraceId::from(0xabc),
        SpanId::from(1),
        flags,
        false,
        TraceState::default(),
    ))
}

#[test]
fn a_call_allocates_no_more_than_this() {
    let telemetry = unsent().build().unwrap();
    let providers = telemetry.providers().clone();
    let builder = || ClientBuilder::new(reqwest::Client::new());
    let with = |middleware| builder().with(middleware).with(Canned).build();
    let bare = builder().with(Canned).build();
    let disabled = with(TelemetryMiddleware::new());
    let enabled = with(TelemetryMiddleware::new().with_providers(providers));
    for (client, flags, limit) in [
        // The future and the correlation id.
        (&disabled, TraceFlags::SAMPLED, 2),
        // Also the trace context, and the context with an id of the call's own.
        (&enabled, TraceFlags::default(), 4),
        // Also the context and the span in it (2), the record of the span, its attributes, and the URL.
        (&enabled, TraceFlags::SAMPLED, 8),
    ] {
        let parent = parent(flags);
        let own = allocations(client, &parent) - allocations(&bare, &parent);
        assert!(own <= limit, "{own} of {limit}");
    }
}
