//! The exporters of each signal.

use telemetry_api::instrument::settings::{
    AnySetting, Setting,
    parse::{self, Parsed},
};

use super::syntax::port;

/// The exporters that a signal has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exporters {
    pub(crate) otlp: bool,
    pub(crate) console: bool,
    /// Metrics only.
    pub(crate) prometheus: bool,
}

impl Exporters {
    fn parse(text: &str, known: &[&'static str]) -> Parsed<Self> {
        parse::list(text, known, &[]).map(|names| Self {
            otlp: names.contains(&"otlp"),
            console: names.contains(&"console"),
            prometheus: names.contains(&"prometheus"),
        })
    }
}

const NAMES: [&str; 3] = ["otlp", "console", "none"];

pub(crate) static TRACES: Setting<Exporters> = Setting::new(
    "OTEL_TRACES_EXPORTER",
    "otlp",
    |text| Exporters::parse(text, &NAMES),
    "any of `otlp`, `console`, or `none`; `console` writes a line of JSON for each span where log lines go; with `none` no span is recorded, and log lines and calls still have trace ids",
);

pub(crate) static METRICS: Setting<Exporters> = Setting::new(
    "OTEL_METRICS_EXPORTER",
    "otlp",
    |text| Exporters::parse(text, &["otlp", "console", "prometheus", "none"]),
    "any of `otlp`, `console`, `prometheus`, or `none`; `console` writes all metrics as Prometheus text where log lines go, once in `OTEL_METRIC_EXPORT_INTERVAL`; the route `/metrics` answers with any of them",
);

pub(crate) static LOGS: Setting<Exporters> = Setting::new(
    "OTEL_LOGS_EXPORTER",
    "otlp",
    |text| Exporters::parse(text, &NAMES),
    "any of `otlp`, `console`, or `none`; log lines are written with any of them, and `console` asks for no more",
);

pub(crate) static PROMETHEUS_HOST: Setting<String> = Setting::new(
    "OTEL_EXPORTER_PROMETHEUS_HOST",
    "localhost",
    parse::text,
    "the address of a second `/metrics`, if `OTEL_METRICS_EXPORTER` lists `prometheus`",
);

pub(crate) static PROMETHEUS_PORT: Setting<u16> = Setting::new(
    "OTEL_EXPORTER_PROMETHEUS_PORT",
    "9464",
    port,
    "its port; `0` is any free one",
);

pub(crate) static LIST: &[&dyn AnySetting] =
    &[&TRACES, &METRICS, &LOGS, &PROMETHEUS_HOST, &PROMETHEUS_PORT];
