//! From configuration to running telemetry: `bootstrap` = [`Config`] -> [`build`](Config::build) ->
//! [`install`](Telemetry::install), each public. Only `install` has global effect.

mod config;
mod endpoint;
mod error;
mod export;
mod health;
mod instruments;
mod logs;
mod meters;
mod prometheus;
mod recording;
mod resource;
mod sampling;
mod settings;
mod telemetry;
mod views;

pub use config::{Config, Service};
pub use endpoint::Protocol;
pub use error::{BootstrapError, Loss, ShutdownError};
pub use health::{SignalHealth, TelemetryHealth};
pub use logs::{FilterError, FilterHandle, LogFormat};
pub use resource::Detector;
pub use sampling::{Rule, SamplerHandle, SamplerPolicy, SamplingCounts};
pub use settings::{Report, ReportEntry, Source};
pub use telemetry::Telemetry;
pub use views::{InstrumentKind, View};

#[cfg(feature = "testing")]
pub(crate) use {
    export::SharedReader,
    prometheus::TextExposition,
    recording::{Processor, Processors, Recorder},
    telemetry::subscriber_for_tests,
};

/// Sets up traces, metrics and logs for the process, as code, environment and defaults say, and installs them.
///
/// Keep the handle until the end of `main`. Dropping it sends what was recorded and says on standard error what could
/// not be; [`Telemetry::shutdown`] does the same and returns it, which is no reason for a service to exit with an error.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use telemetry_core::{Service, bootstrap};
///
/// let _telemetry = bootstrap(Service::new("retail-web").namespace("retail").version(env!("CARGO_PKG_VERSION")))?;
/// // serve
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// When export is impossible as configured, or telemetry is installed already. What is merely wrong is logged once as
/// a warning that names the variable and what was used instead.
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
        Telemetry::build(self.resolve()?)
    }
}

#[cfg(test)]
mod tests;
