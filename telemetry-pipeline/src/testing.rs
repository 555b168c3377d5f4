//! Telemetry in memory, without globals: what instrumented code emitted, to assert on and to query.
//!
//! ```
//! use telemetry_api::{opentelemetry::trace::SpanKind, step};
//! use telemetry_pipeline::testing::TestTelemetry;
//!
//! # async fn reserve() -> Result<u32, std::io::Error> { Ok(2) }
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let telemetry = TestTelemetry::new();
//! let _default = telemetry.set_default();
//! step("Verify_Inventory_Status").stage("inventory").run(reserve()).await.unwrap();
//!
//! telemetry
//!     .assert_span("Verify_Inventory_Status")
//!     .kind(SpanKind::Internal)
//!     .with("retail.stage", "inventory")
//!     .outcome("ok");
//! assert_eq!(telemetry.instrument("retail.steps").with("retail.outcome", "ok").value(), 1.0);
//! telemetry.assert_no_leaks();
//! # }
//! ```
//!
//! Assertions panic, as assertions do, and say what there is instead. The guide `docs/guides/test-your-telemetry.md`
//! goes through all of it.

mod leak_checks;
mod log_assert;
mod memory;
mod open_spans;
mod recorded_metrics;
mod scrape_lines;
mod seeded_ids;
mod span_assert;
mod span_tree;
mod test_clock;
mod test_telemetry;
mod test_telemetry_builder;
mod unsent;

pub use crate::testing::{
    log_assert::{LogAssert, LogRecord},
    recorded_metrics::InstrumentQuery,
    span_assert::SpanAssert,
    test_clock::TestClock,
    test_telemetry::{TestDefault, TestTelemetry},
    test_telemetry_builder::TestTelemetryBuilder,
    unsent::unsent,
};

#[cfg(test)]
mod tests;
