//! Inbound HTTP: one request through a router, in process, its body drained.

use std::{hint::black_box, io::sink, sync::Arc, sync::Mutex};

use axum::{
    Router,
    body::Body,
    http::Request,
    response::Response,
    routing::{get, post},
};
use axum_otel_metrics::HttpMetricsLayerBuilder;
use axum_prometheus::{PrometheusMetricLayer, metrics_exporter_prometheus::PrometheusHandle};
use axum_tracing_opentelemetry::middleware::{OtelAxumLayer, OtelInResponseLayer};
use fastrace::collector::{Config, Reporter, SpanRecord};
use fastrace_axum::FastraceLayer;
use http_body_util::BodyExt;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_instrumentation_tower::http::server as otel_tower;
use telemetry_axum::TelemetryLayer;
use telemetry_core::Telemetry;
use tokio::runtime::Runtime;
use tower::{Service, layer::layer_fn};
use tower_http::{
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    trace::{DefaultMakeSpan, DefaultOnResponse, TraceLayer},
};
use tracing::Level;
use tracing_subscriber::{
    Layer as _, filter::Targets, fmt::writer::BoxMakeWriter, layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{
    measure::{Measure, runtime},
    ours::{self, Lines},
    sdk::{current, previous},
};

pub const VARIANTS: &[(&str, &str)] = &[
    ("bare", "the router alone"),
    ("layer", "a layer that does nothing"),
    ("disabled", "**ours**, telemetry disabled"),
    ("ours", "**ours**"),
    (
        "ours-pipeline",
        "**ours**, exporting over OTLP as `bootstrap` sets it up",
    ),
    ("ours-access-log", "**ours** and an access line of JSON"),
    ("axum-tracing-opentelemetry", "axum-tracing-opentelemetry"),
    (
        "opentelemetry-instrumentation-tower",
        "opentelemetry-instrumentation-tower",
    ),
    ("axum-otel-metrics", "axum-otel-metrics"),
    ("axum-prometheus", "axum-prometheus"),
    ("fastrace-axum", "fastrace-axum"),
    (
        "set-prometheus",
        "axum-tracing-opentelemetry + axum-prometheus + request-id",
    ),
    (
        "set-otel-metrics",
        "axum-tracing-opentelemetry + axum-otel-metrics + request-id",
    ),
    (
        "set-tower",
        "opentelemetry-instrumentation-tower + request-id",
    ),
    (
        "set-fastrace",
        "fastrace-axum + axum-otel-metrics + request-id",
    ),
    (
        "set-access-log",
        "axum-tracing-opentelemetry + axum-prometheus + request-id and tower-http's access line of JSON",
    ),
];

fn routes() -> Router {
    Router::new()
        .route("/", get(|| async { "home" }))
        .route("/orders/{id}", get(|| async { "an order" }))
        .route("/orders", post(|| async { "created" }))
}

/// A router and all that its telemetry is held by.
pub struct Server {
    pub app: Router,
    pub runtime: Runtime,
    current: current::Sdk,
    previous: previous::Sdk,
    pipeline: Option<Telemetry>,
    prometheus: Option<PrometheusHandle>,
    fastrace: Arc<Mutex<Vec<SpanRecord>>>,
    lines: Lines,
    records: bool,
}

impl Server {
    pub fn new(variant: &str, records: bool) -> Option<Self> {
        Self::with_sdk(variant, records, current::Sdk::new(records))
    }

    pub fn with_sdk(variant: &str, records: bool, current: current::Sdk) -> Option<Self> {
        let mut server = Self {
            app: routes(),
            runtime: runtime(),
            current,
            previous: previous::Sdk::new(records),
            pipeline: None,
            prometheus: None,
            fastrace: Arc::default(),
            lines: Lines::default(),
            records,
        };
        server.current.install();
        server.previous.install();
        server.app = server.layered(variant)?;
        Some(server)
    }

    fn layered(&mut self, variant: &str) -> Option<Router> {
        let app = routes();
        Some(match variant {
            "bare" => app,
            "layer" => app.layer(layer_fn(|inner| Passing { inner })),
            "disabled" => app.layer(TelemetryLayer::new()),
            "ours" | "ours-pipeline" => {
                let (providers, pipeline) = ours::of(variant, &self.current)?;
                self.pipeline = pipeline;
                app.layer(TelemetryLayer::new().with_providers(providers))
            }
            "ours-access-log" => {
                let telemetry = ours::logging(self.records.then(|| self.lines.clone()));
                let _ = tracing::dispatcher::set_global_default(telemetry.dispatch().clone());
                let providers = ours::providers(&self.current);
                let layer = TelemetryLayer::new()
                    .with_providers(providers)
                    .with_access_log();
                self.pipeline = Some(telemetry);
                app.layer(layer)
            }
            "axum-tracing-opentelemetry" => self.tracing_opentelemetry(app, false),
            "opentelemetry-instrumentation-tower" => app.layer(otel_tower::Layer::new()),
            "axum-otel-metrics" => app.layer(HttpMetricsLayerBuilder::new().build()),
            "axum-prometheus" => self.prometheus(app),
            "fastrace-axum" => self.fastrace(app),
            "set-prometheus" => {
                let app = self.tracing_opentelemetry(app, false);
                request_id(self.prometheus(app))
            }
            "set-otel-metrics" => {
                let app = self.tracing_opentelemetry(app, false);
                request_id(app.layer(HttpMetricsLayerBuilder::new().build()))
            }
            "set-tower" => request_id(app.layer(otel_tower::Layer::new())),
            "set-fastrace" => {
                let app = self.fastrace(app);
                request_id(app.layer(HttpMetricsLayerBuilder::new().build()))
            }
            "set-access-log" => {
                let access = TraceLayer::new_for_http()
                    .make_span_with(DefaultMakeSpan::new().level(Level::INFO))
                    .on_response(DefaultOnResponse::new().level(Level::INFO));
                let app = self.tracing_opentelemetry(app.layer(access), true);
                request_id(self.prometheus(app))
            }
            _ => return None,
        })
    }

    fn tracing_opentelemetry(&self, app: Router, access_log: bool) -> Router {
        let tracer = self.current.tracers.tracer("benches");
        // As its documentation filters: its spans are at level TRACE.
        let filter = Targets::new()
            .with_default(Level::INFO)
            .with_target("otel::tracing", Level::TRACE);
        let subscriber = tracing_subscriber::registry().with(filter);
        if access_log {
            let writer = if self.records {
                let lines = self.lines.clone();
                BoxMakeWriter::new(move || lines.clone())
            } else {
                BoxMakeWriter::new(sink)
            };
            let json = tracing_subscriber::fmt::layer().json().with_writer(writer);
            subscriber
                .with(tracing_opentelemetry::layer().with_tracer(tracer))
                .with(json.boxed())
                .init();
        } else {
            subscriber
                .with(tracing_opentelemetry::layer().with_tracer(tracer))
                .init();
        }
        app.layer(OtelInResponseLayer)
            .layer(OtelAxumLayer::default())
    }

    fn prometheus(&mut self, app: Router) -> Router {
        // It starts a task.
        let _enter = self.runtime.enter();
        let (layer, handle) = PrometheusMetricLayer::pair();
        self.prometheus = Some(handle);
        app.layer(layer)
    }

    fn fastrace(&self, app: Router) -> Router {
        let reporter = Keep(self.records.then(|| self.fastrace.clone()));
        fastrace::set_reporter(reporter, Config::default());
        app.layer(FastraceLayer::default())
    }

    /// The exported and logged items, as text.
    pub fn recorded(&self) -> String {
        let mut text = self.current.recorded() + &self.previous.recorded();
        fastrace::flush();
        for span in self.fastrace.lock().expect("no panic").iter() {
            text += &format!("fastrace span {:?}:", span.name);
            text.extend(
                span.properties
                    .iter()
                    .map(|(key, value)| format!(" {key}={value:?}")),
            );
            text.push('\n');
        }
        if let Some(handle) = &self.prometheus {
            let series = handle.render();
            let series = series
                .lines()
                .filter(|line| !line.starts_with('#') && !line.is_empty());
            text.extend(
                series
                    .filter(|line| !line.contains("_bucket"))
                    .map(|line| format!("prometheus {line}\n")),
            );
        }
        text.extend(
            self.lines
                .take()
                .lines()
                .map(|line| format!("log {line}\n")),
        );
        text
    }

    /// Sends what is left. Returns whether nothing was lost.
    pub fn finish(&self) -> bool {
        ours::finish(self.pipeline.as_ref())
    }
}

fn request_id(app: Router) -> Router {
    app.layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
}

/// Headers as a browser behind a proxy sends them.
pub fn request(sampled: bool) -> Request<Body> {
    let flags = if sampled { "01" } else { "00" };
    Request::get("/orders/17")
        .header("host", "shop.example")
        .header("user-agent", "benches/1.0")
        .header("accept", "*/*")
        .header(
            "traceparent",
            format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}"),
        )
        .body(Body::empty())
        .expect("a request")
}

pub async fn call(app: &mut Router, request: Request<Body>) -> Response<()> {
    let Ok(response) = app.call(request).await;
    let (head, body) = response.into_parts();
    let _ = black_box(body.collect().await);
    Response::from_parts(head, ())
}

pub fn run(variant: &str, sampled: bool, measure: Measure) -> Option<bool> {
    let server = Server::new(variant, measure == Measure::Records)?;
    // Finalised, as axum serves it: before that every request would apply the layers anew.
    let mut app = server.app.clone().with_state::<()>(());
    let mut last = Response::default();
    measure.drive(&server.runtime, async || {
        last = black_box(call(&mut app, request(sampled)).await);
    });
    if measure == Measure::Records {
        print!("{}", server.recorded());
        for (name, value) in last.headers() {
            if !["content-type", "content-length"].contains(&name.as_str()) {
                println!(
                    "response header {name}: {}",
                    String::from_utf8_lossy(value.as_bytes())
                );
            }
        }
    }
    Some(server.finish())
}

/// fastrace's exporter: takes batches and forgets them, or keeps them.
struct Keep(Option<Arc<Mutex<Vec<SpanRecord>>>>);

impl Reporter for Keep {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        if let Some(kept) = &self.0 {
            kept.lock().expect("no panic").extend(spans);
        }
    }
}

/// The cost of any layer: axum boxes each one's future.
#[derive(Clone)]
struct Passing<S> {
    inner: S,
}

impl<S: Service<Request<Body>>> Service<Request<Body>> for Passing<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> S::Future {
        self.inner.call(request)
    }
}
