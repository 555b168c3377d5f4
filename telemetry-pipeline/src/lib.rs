//! From configuration to running telemetry: `bootstrap` = [`Config`] -> [`build`](Config::build) ->
//! [`install`](Telemetry::install), each public. Only `install` has global effect.
// A table of cases may be long.
#![cfg_attr(test, allow(clippy::too_many_lines))]

mod assembly;
mod common;
mod config;
mod error;
mod guarded_format;
mod health;
mod logs;
mod metrics;
mod otlp;
mod resource;
mod self_metrics;
mod service;
mod settings;
mod subscriber;
mod telemetry;
mod traces;

#[cfg(feature = "testing")]
pub mod testing;

pub use config::Config;
pub use error::{BootstrapError, Loss, ShutdownError};
pub use health::{SignalHealth, TelemetryHealth};
pub use logs::{FilterError, FilterHandle, LogFormat};
pub use metrics::views::{InstrumentKind, View};
pub use otlp::protocol::Protocol;
pub use resource::Detector;
pub use service::Service;
pub use settings::{Report, ReportEntry, Source};
pub use telemetry::Telemetry;
pub use traces::sampling::{Rule, SamplerHandle, SamplerPolicy, SamplingCounts};

/// Sets up traces, metrics and logs for the process, by code, environment and defaults, and installs them.
///
/// Keep the handle until the end of `main`. Dropping it sends the rest and writes losses to standard error.
/// [`Telemetry::shutdown`] does the same and returns the losses. They are no reason for a service to exit with an error.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use telemetry_pipeline::{Service, bootstrap};
///
/// let _telemetry = bootstrap(Service::new("retail-web").namespace("retail").version(env!("CARGO_PKG_VERSION")))?;
/// // serve
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// When export is impossible as configured, or telemetry is installed already. Any other fault is logged once, as a
/// warning that names the variable and the value that is used.
pub fn bootstrap(service: impl Into<Service>) -> Result<Telemetry, BootstrapError> {
    Config::new(service).bootstrap()
}

impl Config {
    /// [`build`](Self::build) and [`install`](Telemetry::install).
    ///
    /// # Errors
    ///
    /// See [`bootstrap`].
    pub fn bootstrap(self) -> Result<Telemetry, BootstrapError> {
        let telemetry = self.build()?;
        telemetry.install()?;
        Ok(telemetry)
    }

    /// Builds providers, exporters and the log layer, with no global effect.
    ///
    /// # Errors
    ///
    /// When export is impossible as configured.
    pub fn build(self) -> Result<Telemetry, BootstrapError> {
        assembly::build(self.resolve()?)
    }
}

#[cfg(test)]
mod tests;
