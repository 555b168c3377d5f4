//! Settings of metrics.

use std::time::Duration;

use opentelemetry_sdk::metrics::Temporality;
use telemetry_api::instrument::{
    exemplar::ExemplarFilter,
    settings::{AnySetting, Setting, parse},
};

/// The buckets of histograms that no view sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum HistogramAggregation {
    #[default]
    Explicit,
    Exponential,
}

pub(crate) static TEMPORALITY: Setting<Temporality> = Setting::new(
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
    "cumulative",
    |text| {
        let known = [
            ("cumulative", Temporality::Cumulative),
            ("delta", Temporality::Delta),
            ("lowmemory", Temporality::LowMemory),
        ];
        parse::one_of(text, &known)
    },
    "`cumulative`, `delta` or `lowmemory`; `/metrics` is cumulative with any of them",
);

pub(crate) static HISTOGRAM_AGGREGATION: Setting<HistogramAggregation> = Setting::new(
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
    "explicit_bucket_histogram",
    |text| {
        let known = [
            ("explicit_bucket_histogram", HistogramAggregation::Explicit),
            (
                "base2_exponential_bucket_histogram",
                HistogramAggregation::Exponential,
            ),
        ];
        parse::one_of(text, &known)
    },
    "`explicit_bucket_histogram` or `base2_exponential_bucket_histogram`; the latter takes histograms from `/metrics`, so it is not used while `OTEL_METRICS_EXPORTER` lists `prometheus` or `console`",
);

pub(crate) static OF_OTLP: &[&dyn AnySetting] = &[&TEMPORALITY, &HISTOGRAM_AGGREGATION];

pub(crate) static INTERVAL: Setting<Duration> = Setting::new(
    "OTEL_METRIC_EXPORT_INTERVAL",
    "60000",
    |text| parse::millis_from(text, 10),
    "between exports of metrics",
)
.unit("ms");

pub(crate) static EXPORT_TIMEOUT: Setting<Duration> = Setting::new(
    "OTEL_METRIC_EXPORT_TIMEOUT",
    "30000",
    parse::timeout,
    "one export; the shorter of it and `OTEL_EXPORTER_OTLP_TIMEOUT` holds; `0` is no limit",
)
.unit("ms");

pub(crate) static EXEMPLAR_FILTER: Setting<ExemplarFilter> = Setting::new(
    "OTEL_METRICS_EXEMPLAR_FILTER",
    "trace_based",
    |text| {
        let known = [
            ("trace_based", ExemplarFilter::TraceBased),
            ("always_on", ExemplarFilter::AlwaysOn),
            ("always_off", ExemplarFilter::AlwaysOff),
        ];
        parse::one_of(text, &known)
    },
    "which measurements may become exemplars: `trace_based` (those in a sampled span), `always_on` or `always_off`",
);

pub(crate) static PROCESS: Setting<bool> = Setting::new(
    "OTEL_INSTRUMENTATION_PROCESS_ENABLED",
    "true",
    parse::flag,
    "metrics of the process (`process.*`), read when metrics are; see [metrics](guides/metrics.md)",
);

pub(crate) static TOKIO: Setting<bool> = Setting::new(
    "OTEL_INSTRUMENTATION_TOKIO_ENABLED",
    "true",
    parse::flag,
    "metrics of the tokio runtimes (`tokio.runtime.*`)",
);

pub(crate) static SDK: Setting<bool> = Setting::new(
    "OTEL_INSTRUMENTATION_SDK_ENABLED",
    "true",
    parse::flag,
    "metrics of the telemetry itself (`otel.sdk.*`)",
);

pub(crate) static LIST: &[&dyn AnySetting] = &[
    &INTERVAL,
    &EXPORT_TIMEOUT,
    &EXEMPLAR_FILTER,
    &PROCESS,
    &TOKIO,
    &SDK,
];
