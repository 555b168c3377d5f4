//! Our side of a case: the SDK as peers have it, or the pipeline as an application has it.

use std::{
    hint::black_box,
    sync::{Arc, Mutex, PoisonError},
};

use telemetry_core::{
    Config, Providers, Service, Telemetry,
    instrument::tracer::{Decides, SamplingHint},
    pipeline::LogFormat,
};

use crate::sdk::current::Sdk;

/// The variant's providers, with the pipeline that they live in if they do.
pub fn of(variant: &str, sdk: &Sdk) -> Option<(Providers, Option<Telemetry>)> {
    match variant {
        "ours" => Some((providers(sdk), None)),
        "ours-pipeline" => {
            let telemetry = pipeline(None);
            Some((telemetry.providers().clone(), Some(telemetry)))
        }
        _ => None,
    }
}

/// Sends what is left. Returns whether nothing was lost.
pub fn finish(pipeline: Option<&Telemetry>) -> bool {
    pipeline.is_none_or(|pipeline| pipeline.shutdown().is_ok())
}

/// Our vocabulary over the SDK that peers get, so that recording is compared and nothing else.
pub fn providers(sdk: &Sdk) -> Providers {
    Providers::builder(sdk.tracers.clone(), Arc::new(sdk.meters.clone()))
        .with_namespace("retail")
        .with_sampling_hint(SamplingHint {
            reads_attributes: false,
            records_roots: true,
            records_unsampled: false,
            decides: Decides::All,
        })
        .build()
}

/// The pipeline as `bootstrap` gives it, from the environment, with a queue that a run fits into and log lines of JSON
/// that nobody reads, or that are kept.
pub fn pipeline(lines: Option<Lines>) -> Telemetry {
    let config = Config::new(Service::new("benches").namespace("retail"))
        .with_setting("OTEL_BSP_MAX_QUEUE_SIZE", "131072")
        .with_queue_bytes(1 << 30)
        .with_log_format(LogFormat::Json);
    let config = match lines {
        Some(lines) => config.with_log_sink(move |line| lines.push(line)),
        None => config.with_log_sink(|line| {
            black_box(line);
        }),
    };
    config.build().expect("a pipeline")
}

/// The pipeline's log lines without its exporters.
pub fn logging(lines: Option<Lines>) -> Telemetry {
    let config = Config::new(Service::new("benches"))
        .with_setting("OTEL_TRACES_EXPORTER", "none")
        .with_setting("OTEL_METRICS_EXPORTER", "none")
        .with_setting("OTEL_LOGS_EXPORTER", "none")
        .with_log_format(LogFormat::Json);
    let config = match lines {
        Some(lines) => config.with_log_sink(move |line| lines.push(line)),
        None => config.with_log_sink(|line| {
            black_box(line);
        }),
    };
    config.build().expect("a pipeline")
}

/// Log lines in memory.
#[derive(Clone, Debug, Default)]
pub struct Lines(Arc<Mutex<String>>);

impl Lines {
    fn push(&self, text: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_str(text);
    }

    pub fn take(&self) -> String {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.push(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
