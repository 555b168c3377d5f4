//! Settings of the batches of spans and of log records.

use std::time::Duration;

use telemetry_api::instrument::settings::{AnySetting, Setting, parse};

use super::syntax::queue_size;

/// The settings of one batch processor.
pub(crate) struct BatchSettings {
    pub(crate) schedule_delay: Setting<Duration>,
    pub(crate) export_timeout: Setting<Duration>,
    pub(crate) max_queue_size: Setting<Option<usize>>,
    pub(crate) max_export_batch_size: Setting<usize>,
}

const EXPORT_TIMEOUT: &str =
    "one export; the shorter of it and `OTEL_EXPORTER_OTLP_TIMEOUT` holds; `0` is no limit";
const BATCH_SIZE: &str = "the most in one request, at most the queue's size";

pub(crate) static SPANS: BatchSettings = BatchSettings {
    schedule_delay: Setting::new(
        "OTEL_BSP_SCHEDULE_DELAY",
        "5000",
        parse::millis,
        "the longest wait of a span for others",
    )
    .unit("ms"),
    export_timeout: Setting::new(
        "OTEL_BSP_EXPORT_TIMEOUT",
        "30000",
        parse::timeout,
        EXPORT_TIMEOUT,
    )
    .unit("ms"),
    max_queue_size: Setting::new(
        "OTEL_BSP_MAX_QUEUE_SIZE",
        "",
        |text| queue_size(text).map(Some),
        "spans that end beyond it are dropped and counted; unset, the queue is bounded by its bytes, and by 2048 spans where the size of a batch is set",
    )
    .unit("spans"),
    max_export_batch_size: Setting::new(
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        "512",
        queue_size,
        BATCH_SIZE,
    )
    .unit("spans"),
};

pub(crate) static RECORDS: BatchSettings = BatchSettings {
    schedule_delay: Setting::new(
        "OTEL_BLRP_SCHEDULE_DELAY",
        "1000",
        parse::millis,
        "the longest wait of a log record for others",
    )
    .unit("ms"),
    export_timeout: Setting::new(
        "OTEL_BLRP_EXPORT_TIMEOUT",
        "30000",
        parse::timeout,
        EXPORT_TIMEOUT,
    )
    .unit("ms"),
    max_queue_size: Setting::new(
        "OTEL_BLRP_MAX_QUEUE_SIZE",
        "",
        |text| queue_size(text).map(Some),
        "records beyond it are not exported and counted; unset, the queue is bounded by its bytes, and by 2048 records where the size of a batch is set",
    )
    .unit("records"),
    max_export_batch_size: Setting::new(
        "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
        "512",
        queue_size,
        BATCH_SIZE,
    )
    .unit("records"),
};

pub(crate) static OF_SPANS: &[&dyn AnySetting] = &[
    &SPANS.schedule_delay,
    &SPANS.export_timeout,
    &SPANS.max_queue_size,
    &SPANS.max_export_batch_size,
];

pub(crate) static OF_RECORDS: &[&dyn AnySetting] = &[
    &RECORDS.schedule_delay,
    &RECORDS.export_timeout,
    &RECORDS.max_queue_size,
    &RECORDS.max_export_batch_size,
];
