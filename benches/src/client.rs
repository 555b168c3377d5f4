//! Outbound HTTP: one call against a canned response, through reqwest-middleware.

use async_trait::async_trait;
use http::Extensions;
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState},
};
use opentelemetry_032 as previous_api;
use previous_api::trace::{TraceContextExt as _, TracerProvider as _};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next, Result};
use reqwest_tracing::TracingMiddleware;
use telemetry_reqwest::TelemetryMiddleware;
use tracing_opentelemetry_033::OpenTelemetrySpanExt as _;
use tracing_subscriber::{filter::LevelFilter, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    measure::{Measure, runtime},
    ours,
    sdk::{current, previous},
};

pub const VARIANTS: &[(&str, &str)] = &[
    ("bare", "reqwest-middleware alone"),
    ("middleware", "a middleware that does nothing"),
    ("disabled", "**ours**, telemetry disabled"),
    ("ours", "**ours**"),
    (
        "ours-pipeline",
        "**ours**, exporting over OTLP as `bootstrap` sets it up",
    ),
    ("reqwest-tracing", "reqwest-tracing"),
];

/// The end of the chain: a response without a network.
struct Canned(bool);

#[async_trait]
impl Middleware for Canned {
    async fn handle(&self, request: Request, _: &mut Extensions, _: Next<'_>) -> Result<Response> {
        if self.0 {
            for (name, value) in request.headers() {
                println!(
                    "request header {name}: {}",
                    String::from_utf8_lossy(value.as_bytes())
                );
            }
        }
        let response = http::Response::builder()
            .header("content-type", "application/json")
            .body("{}");
        Ok(response.expect("a response").into())
    }
}

/// The cost of any middleware.
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

/// The request that the calls belong to.
pub fn parent(sampled: bool) -> Context {
    let flags = if sampled {
        TraceFlags::SAMPLED
    } else {
        TraceFlags::default()
    };
    let parent = SpanContext::new(
        TraceId::from(0xabc),
        SpanId::from(1),
        flags,
        false,
        TraceState::NONE,
    );
    Context::new().with_remote_span_context(parent)
}

fn previous_parent(sampled: bool) -> previous_api::Context {
    use previous_api::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
    let flags = if sampled {
        TraceFlags::SAMPLED
    } else {
        TraceFlags::default()
    };
    let parent = SpanContext::new(
        TraceId::from(0xabc),
        SpanId::from(1),
        flags,
        false,
        TraceState::NONE,
    );
    previous_api::Context::new().with_remote_span_context(parent)
}

pub fn run(variant: &str, sampled: bool, measure: Measure) -> Option<bool> {
    let records = measure == Measure::Records;
    let (current, previous) = (current::Sdk::new(records), previous::Sdk::new(records));
    current.install();
    previous.install();
    let mut request = tracing::Span::none();
    let mut pipeline = None;
    let builder = ClientBuilder::new(reqwest::Client::new());
    let builder = match variant {
        "bare" => builder,
        "middleware" => builder.with(Passing),
        "disabled" => builder.with(TelemetryMiddleware::new()),
        "ours" | "ours-pipeline" => {
            let (providers, own) = ours::of(variant, &current)?;
            pipeline = own;
            builder.with(TelemetryMiddleware::new().with_providers(providers))
        }
        "reqwest-tracing" => {
            let tracer = previous.tracers.tracer("benches");
            tracing_subscriber::registry()
                .with(LevelFilter::INFO)
                .with(tracing_opentelemetry_033::layer().with_tracer(tracer))
                .init();
            request = tracing::info_span!("request");
            let _ = request.set_parent(previous_parent(sampled));
            builder.with(TracingMiddleware::default())
        }
        _ => return None,
    };
    let client = builder.with(Canned(records)).build();
    {
        let _request = request.entered();
        let _context = parent(sampled).attach();
        measure.drive(&runtime(), async || {
            let call = client
                .get("http://inventory.shop.example:8080/stock/4711?warehouse=7")
                .header("accept", "application/json");
            let response = call.send().await.expect("the canned response");
            assert_eq!(response.status(), 200);
        });
    }
    if records {
        print!("{}{}", current.recorded(), previous.recorded());
    }
    Some(ours::finish(pipeline.as_ref()))
}
