//! One event with three fields as a line of JSON, written nowhere.

use std::{hint::black_box, io::sink};

use opentelemetry::trace::SpanKind;
use tracing_subscriber::{Registry, fmt::writer::BoxMakeWriter, layer::SubscriberExt};

use crate::{
    client::parent,
    measure::{Measure, runtime},
    ours::{self, Lines},
    sdk::current,
};

pub const VARIANTS: &[(&str, &str)] = &[
    ("bare", "the loop alone"),
    ("ours", "**ours**, outside of a request"),
    (
        "ours-request",
        "**ours**, in a request: trace, span and correlation id on the line",
    ),
    ("tracing-subscriber", "tracing-subscriber's JSON"),
    (
        "tracing-subscriber-span",
        "tracing-subscriber's JSON, in a span with three fields: trace, span and correlation id",
    ),
];

pub fn run(variant: &str, sampled: bool, measure: Measure) -> Option<bool> {
    let records = measure == Measure::Records;
    let lines = Lines::default();
    let kept = records.then(|| lines.clone());
    let _context = match variant {
        "ours-request" => {
            let sdk = current::Sdk::new(records);
            let scope = opentelemetry::InstrumentationScope::builder("benches").build();
            let tracer = ours::providers(&sdk).tracer(scope);
            Some(
                tracer
                    .start(&parent(sampled), "GET /", SpanKind::Server, Vec::new)
                    .attach(),
            )
        }
        _ => None,
    };
    let mut pipeline = None;
    let dispatch = match variant {
        "bare" => tracing::Dispatch::none(),
        "ours" | "ours-request" => {
            let telemetry = pipeline.insert(ours::logging(kept));
            telemetry.dispatch().clone()
        }
        "tracing-subscriber" | "tracing-subscriber-span" => {
            let writer = match kept {
                Some(lines) => BoxMakeWriter::new(move || lines.clone()),
                None => BoxMakeWriter::new(sink),
            };
            let json = tracing_subscriber::fmt::layer().json().with_writer(writer);
            let level = tracing_subscriber::filter::LevelFilter::INFO;
            tracing::Dispatch::new(Registry::default().with(level).with(json))
        }
        _ => return None,
    };
    tracing::dispatcher::with_default(&dispatch, || {
        let span = match variant {
            "tracing-subscriber-span" => tracing::info_span!(
                "request",
                trace_id = "4bf92f3577b34da6a3ce929d0e0e4736",
                span_id = "00f067aa0ba902b7",
                correlation_id = "4bf92f3577b34da6a3ce929d0e0e4736"
            ),
            _ => tracing::Span::none(),
        };
        let _span = span.entered();
        let mut order = 0_u64;
        measure.drive(&runtime(), async || {
            order += 1;
            if variant == "bare" {
                black_box(order);
            } else {
                tracing::info!(
                    order_id = order,
                    sku = "SKU-1",
                    available = true,
                    "inventory checked"
                );
            }
        });
    });
    print!("{}", lines.take());
    Some(true)
}
