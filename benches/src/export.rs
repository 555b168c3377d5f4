//! The way of a server span from its end to the socket: what threads other than the request's do for it.
//!
//! The collector is `benches sink` in a process of its own, at `OTEL_EXPORTER_OTLP_ENDPOINT`.

use std::{env, hint::black_box};

use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use telemetry_axum::TelemetryLayer;
use telemetry_core::{Config, Service, pipeline::Protocol};

use crate::{
    measure::{Measure, runtime},
    ours,
    sdk::current::{Sdk, batching},
    server::{self, Server},
};

pub const VARIANTS: &[(&str, &str)] = &[
    (
        "bare",
        "no exporter: the batch processor of the SDK drops what it gathers",
    ),
    ("ours-http", "**ours**, http/protobuf"),
    ("ours-grpc", "**ours**, grpc"),
    (
        "opentelemetry-otlp-http",
        "the SDK's batch processor with opentelemetry-otlp, http/protobuf",
    ),
    (
        "opentelemetry-otlp-grpc",
        "the SDK's batch processor with opentelemetry-otlp, grpc",
    ),
];

pub fn run(variant: &str, sampled: bool, measure: Measure) -> Option<bool> {
    if measure == Measure::Records {
        return server::run("ours", sampled, measure);
    }
    let endpoint = env::var("OTEL_EXPORTER_OTLP_ENDPOINT").unwrap_or_default();
    let (mut pipeline, mut tracers) = (None, None);
    let (sdk, otlp) = (Sdk::new(false), variant.strip_prefix("opentelemetry-otlp-"));
    let layer = match variant {
        "bare" => TelemetryLayer::new().with_providers(ours::providers(&sdk)),
        "ours-http" | "ours-grpc" => {
            let protocol = if variant == "ours-http" {
                Protocol::HttpProtobuf
            } else {
                Protocol::Grpc
            };
            let telemetry = Config::new(Service::new("benches"))
                .with_otlp_endpoint(protocol, endpoint)
                .with_setting("OTEL_BSP_MAX_QUEUE_SIZE", "131072")
                .with_setting("OTEL_METRICS_EXPORTER", "none")
                .with_setting("OTEL_LOGS_EXPORTER", "none")
                .with_queue_bytes(1 << 30)
                .with_log_sink(|_| ())
                .build();
            let telemetry = pipeline.insert(telemetry.expect("a pipeline"));
            TelemetryLayer::new().with_providers(telemetry.providers().clone())
        }
        _ => {
            let provider = provider(otlp?, &endpoint);
            let sdk = sdk.with_tracers(tracers.insert(provider).clone());
            TelemetryLayer::new().with_providers(ours::providers(&sdk))
        }
    };
    let mut app = Server::new("bare", false)?
        .app
        .layer(layer)
        .with_state::<()>(());
    measure.drive(&runtime(), async || {
        black_box(server::call(&mut app, server::request(sampled)).await);
    });
    let sent = pipeline.is_none_or(|pipeline| pipeline.shutdown().is_ok())
        && tracers.is_none_or(|tracers| tracers.shutdown().is_ok());
    Some(sent)
}

/// The set-up of opentelemetry-otlp's documentation.
pub fn provider(protocol: &str, endpoint: &str) -> SdkTracerProvider {
    let exporter = if protocol == "http" {
        let endpoint = format!("{endpoint}/v1/traces");
        SpanExporter::builder()
            .with_http()
            .with_endpoint(endpoint)
            .build()
    } else {
        // Where the connection lives, for as long as the process does.
        let background = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        let background = Box::leak(Box::new(background.expect("a runtime")));
        let _enter = background.enter();
        SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .build()
    };
    SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
        .with_span_processor(batching(exporter.expect("an exporter")))
        .build()
}
