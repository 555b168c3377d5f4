//! A pipeline for measurements.

use std::time::Duration;

use crate::Config;

/// Telemetry that records as an application's does and has nowhere to send to, which it does not try before an hour or a
/// million spans: they wait in their queue. For measuring what instrumentation costs the thread it runs on, in instructions or allocations.
///
/// Nothing is read from the environment, and nothing is waited for at the end, which says on standard error how many
/// spans were not sent.
///
/// ```
/// use telemetry_pipeline::testing::unsent;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let telemetry = unsent().build()?;
/// let _default = telemetry.providers().set_default();
/// # Ok(()) }
/// ```
pub fn unsent() -> Config {
    Config::new("unsent")
        .with_environment([
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
            ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "1000000"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1000000"),
        ])
        .with_queue_bytes(usize::MAX)
        .with_shutdown_timeout(Duration::ZERO)
}
