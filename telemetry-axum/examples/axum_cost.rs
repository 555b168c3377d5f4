//! The cost of the layer for one request. Run it under `valgrind --tool=callgrind` with two request counts, and divide
//! the difference of the instructions by the difference of the counts (see the crate's README).
//!
//! `axum_cost <bare|layer|disabled|sdk-disabled|unsampled|sampled|tracing-span|access-log|access-line> <requests> [further routes]`
//!
//! - `bare`: the router without a layer.
//! - `layer`: with a layer that wraps the response's body and does nothing else; axum itself causes this cost.
//! - `disabled`: the telemetry layer without a pipeline.
//! - `sdk-disabled`: with a pipeline that OTEL_SDK_DISABLED switches off.
//! - `unsampled`, `sampled`: with a pipeline, below a caller that has sampled its trace or not.
//! - `tracing-span`: like `sampled`, with the `tracing` span that keeps spawned tasks in their request.
//! - `access-log`: the event of the access log, with a subscriber that ignores it.
//! - `access-line`: the access log as lines of JSON.

use std::{
    io::Write,
    pin::Pin,
    process::ExitCode,
    task::{self, Poll},
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::Request,
    response::Response,
    routing::{get, post},
};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use telemetry_axum::TelemetryLayer;
use telemetry_pipeline::{Config, LogFormat, Telemetry, testing::unsent};
use tower::{Service, util::MapResponseLayer};
use tracing::{Event, Metadata, Subscriber, span};

/// A body around another one, as every layer needs it that sees the end of responses.
struct Wrapped(Body);

impl http_body::Body for Wrapped {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

/// Accepts every event and reads none of its fields, so that the cost of formatting is left out.
struct Blind;

impl Subscriber for Blind {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        std::hint::black_box(event);
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

fn routes(further: u32) -> Router {
    (0..further)
        .fold(Router::new(), |router, i| {
            router.route(&format!("/further/{i}/{{id}}"), get(|| async { "further" }))
        })
        .route("/", get(|| async { "home" }))
        .route("/orders/{id}", get(|| async { "an order" }))
        .route("/orders", post(|| async { "created" }))
}

fn request(flags: &str) -> Request<Body> {
    Request::get("http://shop.example/orders/17")
        .header("host", "shop.example")
        .header("user-agent", "cost/1.0")
        .header("accept", "*/*")
        .header(
            "traceparent",
            format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}"),
        )
        .extension(Connection)
        .body(Body::empty())
        .unwrap_or_default()
}

/// Stands for the `ConnectInfo` that a server puts on every request.
#[derive(Clone)]
struct Connection;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let variant = arguments.next().unwrap_or_default();
    let count = arguments.next().and_then(|count| count.parse::<u32>().ok());
    let further = arguments.next().and_then(|count| count.parse::<u32>().ok());
    let routes = routes(further.unwrap_or_default());
    let Ok(telemetry) = unsent().build() else {
        return ExitCode::FAILURE;
    };
    let layer = || TelemetryLayer::new().with_providers(telemetry.providers().clone());
    let (app, flags) = match variant.as_str() {
        "bare" => (routes, "01"),
        "layer" => (
            routes.layer(MapResponseLayer::new(|response: Response| {
                response.map(Wrapped)
            })),
            "01",
        ),
        "disabled" => (routes.layer(TelemetryLayer::new()), "01"),
        "sdk-disabled" => (routes.layer(TelemetryLayer::new()), "01"),
        "unsampled" => (routes.layer(layer()), "00"),
        "sampled" => (routes.layer(layer()), "01"),
        "tracing-span" => (routes.layer(layer().with_tracing_span()), "01"),
        "access-log" | "access-line" => (routes.layer(layer().with_access_log()), "01"),
        _ => return usage(),
    };
    let Some(count) = count else {
        return usage();
    };
    if variant == "access-log" && tracing::subscriber::set_global_default(Blind).is_err() {
        return ExitCode::FAILURE;
    }
    // It lives until the end, as in an application.
    let _disabled = match variant.as_str() {
        "sdk-disabled" => match sdk_disabled() {
            Some(telemetry) => Some(telemetry),
            None => return ExitCode::FAILURE,
        },
        _ => None,
    };
    if variant == "tracing-span" {
        let _ = tracing::dispatcher::set_global_default(telemetry.dispatch().clone());
    }
    let lines = (variant == "access-line").then(lines).flatten();
    if let Some(lines) = &lines {
        let _ = tracing::dispatcher::set_global_default(lines.dispatch().clone());
    }
    // This finalises the router, as axum does when it serves it; otherwise it would apply its layers to each request.
    let mut app = app.with_state::<()>(());
    for _ in 0..count {
        match app.call(request(flags)).await {
            Ok(response) => {
                let _ = std::hint::black_box(response.into_body().collect().await);
            }
            Err(never) => match never {},
        }
    }
    ExitCode::SUCCESS
}

/// The pipeline of an application whose operator has switched it off.
fn sdk_disabled() -> Option<Telemetry> {
    let config = Config::new("cost").with_environment([("OTEL_SDK_DISABLED", "true")]);
    let telemetry = config.build().ok()?;
    telemetry.providers().clone().install().then_some(telemetry)
}

/// A pipeline that writes log lines of JSON to a sink that drops them.
fn lines() -> Option<Telemetry> {
    let quiet =
        ["TRACES", "METRICS", "LOGS"].map(|signal| (format!("OTEL_{signal}_EXPORTER"), "none"));
    let config = Config::new("cost")
        .with_environment(quiet)
        .with_log_format(LogFormat::Json)
        .with_log_sink(|line| {
            std::hint::black_box(line);
        });
    config.build().ok()
}

fn usage() -> ExitCode {
    let _ = writeln!(
        std::io::stderr(),
        "axum_cost <bare|layer|disabled|sdk-disabled|unsampled|sampled|tracing-span|access-log|access-line> <requests> [further routes]"
    );
    ExitCode::FAILURE
}
