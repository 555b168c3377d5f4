//! The errors of the two moments that may fail, start and end. Each message names the change that helps.

use std::{fmt, path::PathBuf, time::Duration};

/// Why telemetry could not be set up.
///
/// `Debug` is the message, because a `main` that returns the error shows `Debug`.
#[derive(thiserror::Error)]
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
        /// The fault.
        reason: String,
        /// A value that works.
        example: &'static str,
    },
    /// The declarative configuration cannot be read, or is not in its format.
    #[error(
        "OTEL_CONFIG_FILE={path:?}{}: {reason}. Correct the file or unset OTEL_CONFIG_FILE",
        .line.map(|line| format!(", line {line}")).unwrap_or_default()
    )]
    ConfigFile {
        /// The file.
        path: String,
        /// The line in the file, from 1; `None` if the file could not be read.
        line: Option<usize>,
        /// The fault, without any value of the file.
        reason: String,
    },
    /// The HTTP client or gRPC channel could not be built.
    #[error(
        "the exporter for {endpoint} could not be built: {reason}. Check the TLS roots of this machine"
    )]
    Exporter {
        /// The target of the export.
        endpoint: String,
        /// The fault.
        reason: String,
    },
    /// The program was built without a feature that a setting needs.
    #[error(
        "{variable}={value:?} needs the feature `{feature}` of telemetry-core: add it in Cargo.toml, or use {instead}"
    )]
    MissingFeature {
        /// The environment variable or option it came from.
        variable: String,
        /// Its value, without credentials.
        value: String,
        /// A default feature of telemetry-core.
        feature: &'static str,
        /// A value that needs no feature.
        instead: &'static str,
    },
    /// A certificate or key for `https` cannot be used.
    #[error(
        "{variable}={path:?} cannot be used: {reason}. Set {variable}, or {own}, to a PEM file that this process can read"
    )]
    Tls {
        /// The environment variable for all signals.
        variable: String,
        /// The environment variable of the signal.
        own: String,
        /// The file.
        path: PathBuf,
        /// The fault.
        reason: String,
    },
    /// A thread could not be started: the exporter's, or the one for standard output.
    #[error(
        "a thread of telemetry could not be started: {0}. Raise the thread limit of this process"
    )]
    Thread(#[from] std::io::Error),
    /// Telemetry, or another tracing subscriber, is installed already.
    #[error(
        "{0} is installed already: call bootstrap once, at the top of main, and install no other subscriber"
    )]
    AlreadyInstalled(&'static str),
}

/// The losses at a flush or at the end. `Debug` is the message.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("telemetry was not delivered completely: {}", self.describe())]
#[non_exhaustive]
pub struct ShutdownError {
    /// One entry for each signal that lost something.
    pub losses: Vec<Loss>,
}

/// The losses of one signal, in items by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loss {
    /// `spans`, `metric points`, `log records` or `log lines`.
    pub signal: &'static str,
    /// Dropped because the queue held its bound of items.
    pub queue_full: u64,
    /// Dropped because the queue held its bound of bytes.
    pub queue_bytes: u64,
    /// Not accepted: the collector was not reached or refused the request.
    pub export_failed: u64,
    /// Rejected by a collector that accepted the rest of the request.
    pub rejected: u64,
    /// Not accepted within the export's timeout.
    pub timeout: u64,
    /// In a batch whose export panicked.
    pub panicked: u64,
    /// Recorded after shutdown, or still unsent when its time was up.
    pub shutdown: u64,
    /// The exporter did not answer within this bound, so that the counts may be incomplete.
    pub unanswered: Option<Duration>,
    /// The last failure of the exporter.
    pub reason: Option<String>,
}

impl Loss {
    /// The number of items lost.
    pub fn items(&self) -> u64 {
        self.counts().iter().map(|(count, _)| count).sum()
    }

    fn counts(&self) -> [(u64, &'static str); 7] {
        [
            (self.export_failed, "not accepted"),
            (self.timeout, "not accepted in time"),
            (self.rejected, "rejected"),
            (self.queue_full, "dropped because the queue was full"),
            (
                self.queue_bytes,
                "dropped because the queue held too many bytes",
            ),
            (self.panicked, "dropped because their export panicked"),
            (self.shutdown, "unsent at shutdown"),
        ]
    }

    fn describe(&self) -> String {
        let counts = self.counts().into_iter().filter(|(count, _)| *count > 0);
        let mut parts: Vec<_> = counts
            .map(|(count, fate)| format!("{count} {} {fate}", self.signal))
            .collect();
        if let Some(bound) = self.unanswered {
            parts.push(format!("{} still unsent after {bound:?}", self.signal));
        }
        let reason = self.reason.as_ref().map(|reason| format!(" ({reason})"));
        parts.join(", ") + &reason.unwrap_or_default()
    }
}

impl fmt::Debug for BootstrapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for ShutdownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl ShutdownError {
    fn describe(&self) -> String {
        let losses: Vec<_> = self.losses.iter().map(Loss::describe).collect();
        losses.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_main_that_returns_an_error_shows_its_message() {
        let error: Box<dyn std::error::Error> =
            BootstrapError::AlreadyInstalled("telemetry").into();
        assert!(
            format!("{error:?}").starts_with("telemetry is installed already: call bootstrap once")
        );
        let loss = Loss {
            signal: "spans",
            timeout: 3,
            ..Loss::default()
        };
        let error = ShutdownError { losses: vec![loss] };
        assert!(format!("{error:?}").ends_with("3 spans not accepted in time"));
    }
}
