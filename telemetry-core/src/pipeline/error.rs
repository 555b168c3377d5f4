//! The two moments that may fail. Messages say what to change.

use std::time::Duration;

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BootstrapError {
    /// An endpoint is not a URL that can be exported to.
    #[error(
        "{variable}={value:?} is not a usable endpoint: {reason}. Set {variable} to a URL such as {example}"
    )]
    Endpoint {
        /// The environment variable or option it came from.
        variable: String,
        /// Its value, without credentials.
        value: String,
        /// What is wrong with it.
        reason: String,
        /// A value that would do.
        example: &'static str,
    },
    /// The declarative configuration cannot be read or is no YAML of that form.
    #[error(
        "OTEL_CONFIG_FILE={path:?}{}: {reason}. Correct the file or unset OTEL_CONFIG_FILE",
        .line.map(|line| format!(", line {line}")).unwrap_or_default()
    )]
    ConfigFile {
        /// The file.
        path: String,
        /// Where in the file, from 1; `None` if it could not be read at all.
        line: Option<usize>,
        /// What is wrong, without any value of the file.
        reason: String,
    },
    /// The HTTP client or gRPC channel could not be built.
    #[error(
        "the exporter for {endpoint} could not be built: {reason}. Check the TLS roots of this machine"
    )]
    Exporter {
        /// Where it would have exported to.
        endpoint: String,
        /// What is wrong.
        reason: String,
    },
    /// The exporter's thread could not be started.
    #[error(
        "the exporter's thread could not be started: {0}. Raise the thread limit of this process"
    )]
    Thread(#[from] std::io::Error),
    /// Telemetry, or another tracing subscriber, is installed already.
    #[error(
        "{0} is installed already: call bootstrap once, at the top of main, and install no other subscriber"
    )]
    AlreadyInstalled(&'static str),
}

/// What was lost at the end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("telemetry was not delivered completely: {}", self.describe())]
#[non_exhaustive]
pub struct ShutdownError {
    /// One entry for each signal that lost something.
    pub losses: Vec<Loss>,
}

/// What one signal lost.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loss {
    /// `spans`, `metrics` or `log records`.
    pub signal: &'static str,
    /// Dropped because the queue was full.
    pub queue_full: u64,
    /// Not accepted by the collector.
    pub failed: u64,
    /// The exporter did not answer within this bound.
    pub timed_out: Option<Duration>,
    /// The last thing the exporter said.
    pub reason: Option<String>,
}

impl ShutdownError {
    fn describe(&self) -> String {
        let parts = self.losses.iter().map(|loss| {
            let mut parts = Vec::new();
            if loss.queue_full > 0 {
                parts.push(format!(
                    "{} {} dropped because the queue was full",
                    loss.queue_full, loss.signal
                ));
            }
            if loss.failed > 0 {
                parts.push(format!("{} {} not accepted", loss.failed, loss.signal));
            }
            if let Some(bound) = loss.timed_out {
                parts.push(format!("{} still unsent after {bound:?}", loss.signal));
            }
            let reason = loss
                .reason
                .as_ref()
                .map(|reason| format!(" ({reason})"))
                .unwrap_or_default();
            parts.join(", ") + &reason
        });
        parts.collect::<Vec<_>>().join("; ")
    }
}
