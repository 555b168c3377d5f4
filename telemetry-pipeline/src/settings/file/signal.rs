//! The settings of one signal, by the keys of the declarative file.

use telemetry_api::instrument::settings::AnySetting;

use super::super::{batches, exporters, metrics, otlp, otlp::OtlpSettings};

/// A key of the file and its setting.
pub(crate) type Known = (&'static str, &'static dyn AnySetting);

/// The settings of one signal, by the keys of its batch processor or reader.
pub(crate) struct Signal {
    pub(crate) exporters: &'static dyn AnySetting,
    pub(crate) batch: &'static [Known],
    pub(crate) otlp: &'static OtlpSettings,
    /// Keys of an OTLP exporter that only this signal has.
    pub(crate) more: &'static [Known],
}

impl Signal {
    pub(crate) fn of_exporter(&self) -> Vec<Known> {
        let common: [Known; 3] = [
            ("endpoint", &self.otlp.endpoint),
            ("compression", &self.otlp.compression),
            ("timeout", &self.otlp.timeout),
        ];
        [&common, self.more].concat()
    }

    pub(crate) fn of_tls(&self) -> [Known; 4] {
        [
            ("ca_file", &self.otlp.certificate),
            ("key_file", &self.otlp.client_key),
            ("cert_file", &self.otlp.client_certificate),
            ("insecure", &self.otlp.insecure),
        ]
    }
}

pub(crate) static TRACES: Signal = Signal {
    exporters: &exporters::TRACES,
    batch: &[
        ("schedule_delay", &batches::SPANS.schedule_delay),
        ("export_timeout", &batches::SPANS.export_timeout),
        ("max_queue_size", &batches::SPANS.max_queue_size),
        (
            "max_export_batch_size",
            &batches::SPANS.max_export_batch_size,
        ),
    ],
    otlp: &otlp::TRACES,
    more: &[],
};

pub(crate) static LOGS: Signal = Signal {
    exporters: &exporters::LOGS,
    batch: &[
        ("schedule_delay", &batches::RECORDS.schedule_delay),
        ("export_timeout", &batches::RECORDS.export_timeout),
        ("max_queue_size", &batches::RECORDS.max_queue_size),
        (
            "max_export_batch_size",
            &batches::RECORDS.max_export_batch_size,
        ),
    ],
    otlp: &otlp::LOGS,
    more: &[],
};

pub(crate) static METRICS: Signal = Signal {
    exporters: &exporters::METRICS,
    batch: &[
        ("interval", &metrics::INTERVAL),
        ("timeout", &metrics::EXPORT_TIMEOUT),
    ],
    otlp: &otlp::METRICS,
    more: &[
        ("temporality_preference", &metrics::TEMPORALITY),
        (
            "default_histogram_aggregation",
            &metrics::HISTOGRAM_AGGREGATION,
        ),
    ],
};
