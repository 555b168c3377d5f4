//! One business step around a future that is ready: an internal span, a counter and a duration.

use std::{fmt::Error, hint::black_box, time::Instant};

use opentelemetry::{KeyValue, metrics::MeterProvider as _, trace::TracerProvider as _};
use telemetry_core::step;
use tracing::Instrument as _;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{filter::LevelFilter, layer::SubscriberExt};

use crate::{
    client::parent,
    measure::{Measure, runtime},
    ours,
    sdk::current,
};

pub const VARIANTS: &[(&str, &str)] = &[
    ("bare", "the future alone"),
    ("disabled", "**ours**, telemetry disabled"),
    ("ours", "**ours**"),
    (
        "ours-pipeline",
        "**ours**, exporting over OTLP as `bootstrap` sets it up",
    ),
    (
        "tracing",
        "a `tracing` span through tracing-opentelemetry, a counter and a histogram by hand",
    ),
];

async fn work(order: u64) -> Result<u64, Error> {
    Ok(black_box(order))
}

pub fn run(variant: &str, sampled: bool, measure: Measure) -> Option<bool> {
    let sdk = current::Sdk::new(measure == Measure::Records);
    let runtime = runtime();
    let _context = parent(sampled).attach();
    let mut finished = true;
    match variant {
        "bare" => measure.drive(&runtime, async || {
            let _ = black_box(work(7).await);
        }),
        "disabled" | "ours" | "ours-pipeline" => {
            let ours = ours::of(variant, &sdk);
            let _providers = ours.as_ref().map(|(providers, _)| providers.set_default());
            measure.drive(&runtime, async || {
                let verify = step("Verify_Inventory_Status")
                    .flow("checkout")
                    .stage("inventory");
                let _ = black_box(verify.run(work(7)).await);
            });
            finished = ours.is_none_or(|(_, pipeline)| ours::finish(pipeline.as_ref()));
        }
        "tracing" => {
            let tracer = sdk.tracers.tracer("benches");
            let meter = sdk.meters.meter("benches");
            let (steps, durations) = (
                meter.u64_counter("retail.steps").build(),
                meter
                    .f64_histogram("retail.step.duration")
                    .with_unit("s")
                    .build(),
            );
            let subscriber = tracing_subscriber::registry()
                .with(LevelFilter::INFO)
                .with(tracing_opentelemetry::layer().with_tracer(tracer));
            let _subscriber = tracing::subscriber::set_default(subscriber);
            measure.drive(&runtime, async || {
                let span = tracing::info_span!(
                    "Verify_Inventory_Status",
                    retail.flow = "checkout",
                    retail.stage = "inventory",
                    retail.outcome = tracing::field::Empty
                );
                let _ = span.set_parent(opentelemetry::Context::current());
                let start = Instant::now();
                let result = work(7).instrument(span.clone()).await;
                let outcome = if result.is_ok() { "ok" } else { "error" };
                span.record("retail.outcome", outcome);
                let labels = [
                    KeyValue::new("retail.flow", "checkout"),
                    KeyValue::new("retail.stage", "inventory"),
                    KeyValue::new("retail.outcome", outcome),
                ];
                steps.add(1, &labels);
                durations.record(start.elapsed().as_secs_f64(), &labels);
            });
        }
        _ => return None,
    }
    if measure == Measure::Records {
        print!("{}", sdk.recorded());
    }
    Some(finished)
}
