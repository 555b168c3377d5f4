//! Export against real sockets: whatever runtime there is, and whatever the collector does.

// Clippy knows test functions, not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod collector;
mod conventions;
mod deaths;
mod down;
mod encoding;
mod grpc;
mod hints;
mod idle;
mod metrics;
mod outage;
mod proxies;
mod retry;
mod runtimes;
mod sizes;
mod sockets;
mod tls;
mod volume;
mod waits;

use std::sync::{Arc, Mutex};

use telemetry_api::{
    instrument::tracer::Tracer,
    opentelemetry::{
        InstrumentationScope,
        trace::{SpanKind, TraceContextExt},
    },
};
use telemetry_pipeline::{Config, Telemetry};

const TRACES_ONLY: [(&str, &str); 2] = [
    ("OTEL_METRICS_EXPORTER", "none"),
    ("OTEL_LOGS_EXPORTER", "none"),
];

/// Lines that the pipeline logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn containing(&self, part: &str) -> Vec<String> {
        let lines = self.0.lock().unwrap();
        lines
            .iter()
            .filter(|line| line.contains(part))
            .cloned()
            .collect()
    }

    fn sink(&self) -> impl Fn(&str) + Send + Sync + 'static {
        let lines = self.0.clone();
        move |line| lines.lock().unwrap().push(line.to_owned())
    }
}

/// Traces to this URL, with these variables.
fn config(url: &str, vars: &[(&'static str, &str)]) -> Config {
    let mut all = TRACES_ONLY
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .to_vec();
    all.push(("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), url.to_owned()));
    all.extend(vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
    Config::new("shop")
        .with_environment(all)
        .with_log_sink(|_| {})
}

fn traces_to(url: &str, vars: &[(&'static str, &str)]) -> Telemetry {
    config(url, vars).build().unwrap()
}

fn tracer(telemetry: &Telemetry) -> Tracer {
    let scope = InstrumentationScope::builder("test").build();
    telemetry.providers().tracer(scope)
}

fn record(tracer: &Tracer, name: &'static str) {
    let cx = tracer.start(&Default::default(), name, SpanKind::Internal, Vec::new);
    cx.span().end();
}
