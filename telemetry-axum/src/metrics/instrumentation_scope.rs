//! The instrumentation scope of this crate.

use opentelemetry::InstrumentationScope;

/// The scope of all spans and metrics of this crate: its name and its version.
pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("telemetry-axum")
        .with_version(env!("CARGO_PKG_VERSION"))
        .build()
}
