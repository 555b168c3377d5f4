//! The handle on a running pipeline.

use std::{
    fmt,
    io::{self, Write as _},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use opentelemetry::global;
use opentelemetry_sdk::trace::SdkTracerProvider;
use secrecy::{ExposeSecret as _, SecretString};
use telemetry_api::instrument::{
    pipeline::{ShownPrincipal, install_hash_key},
    propagation::TextMap,
    providers::Providers,
    redaction::Redaction,
};
use tracing::Dispatch;
use tracing_log::LogTracer;

use crate::{
    error::{BootstrapError, Loss, ShutdownError},
    health::TelemetryHealth,
    logs::{FilterHandle, LogOutput, log_panics},
    metrics::guarded_meters::GuardedMeters,
    otlp::{Flush, Losses, Pending, Worker},
    settings::{LiveSettings, Report},
    traces::sampling::{SamplerHandle, SamplerPolicy},
};

/// Running telemetry. Shut it down at the end of `main`; dropping it does the same and reports on standard error.
#[must_use = "telemetry ends when this is dropped: keep it to the end of main, `let _telemetry = ..`"]
pub struct Telemetry {
    pub(crate) providers: Providers,
    pub(crate) dispatch: Dispatch,
    pub(crate) tracer_provider: SdkTracerProvider,
    pub(crate) meter_provider: GuardedMeters,
    pub(crate) sampler: SamplerHandle,
    pub(crate) filters: FilterHandle,
    pub(crate) output: Arc<LogOutput>,
    pub(crate) log_panics: bool,
    pub(crate) flushes: Vec<Flush>,
    pub(crate) health: TelemetryHealth,
    pub(crate) warnings: Vec<String>,
    pub(crate) settings: Arc<LiveSettings>,
    pub(crate) principal: ShownPrincipal,
    pub(crate) hash_key: Option<SecretString>,
    pub(crate) prometheus: Option<SocketAddr>,
    pub(crate) timeout: Duration,
    pub(crate) ended: Arc<AtomicBool>,
    pub(crate) disabled: bool,
    /// Spans go somewhere.
    pub(crate) traced: bool,
    /// It was installed, or one of its parts was taken.
    pub(crate) used: AtomicBool,
    pub(crate) _worker: Option<Worker>,
}

impl Telemetry {
    /// Makes this the telemetry of the process: our providers, OpenTelemetry's global ones and its propagator, the
    /// `tracing` subscriber, and a panic hook, which logs a panic and calls the hook before it. Then logs the warnings
    /// about the configuration and, at debug, the [`report`](Self::report).
    ///
    /// # Errors
    ///
    /// When telemetry or another `tracing` subscriber is installed already; that one stays as it is.
    pub fn install(&self) -> Result<(), BootstrapError> {
        self.used.store(true, Ordering::Relaxed);
        if Providers::installed() {
            return Err(BootstrapError::AlreadyInstalled("telemetry"));
        }
        tracing::dispatcher::set_global_default(self.dispatch.clone())
            .map_err(|_| BootstrapError::AlreadyInstalled("a tracing subscriber"))?;
        if !self.providers.clone().install() {
            return Err(BootstrapError::AlreadyInstalled("telemetry"));
        }
        // Records of the `log` crate become events, and so lines and records with the ids of the current context. Another
        // logger of the application stays as it is.
        let logger = LogTracer::init();
        self.principal.install();
        if let Some(key) = &self.hash_key {
            install_hash_key(key.expose_secret());
        }
        if !self.disabled {
            global::set_meter_provider(self.meter_provider.clone());
            if self.traced {
                global::set_tracer_provider(self.tracer_provider.clone());
            }
            global::set_text_map_propagator(TextMap::from(self.providers.propagation().clone()));
        }
        if self.log_panics {
            log_panics(&self.output, Redaction::of(&self.providers));
        }
        log(&self.warnings);
        if logger.is_err() {
            tracing::debug!(target: "telemetry", "the log crate has a logger already, which keeps its records");
        }
        tracing::debug!(target: "telemetry", "configuration\n{}", self.report());
        Ok(())
    }

    /// The providers that adapters use, to pass them explicitly.
    pub fn providers(&self) -> &Providers {
        self.used.store(true, Ordering::Relaxed);
        &self.providers
    }

    /// The `tracing` subscriber, for use without [`install`](Self::install).
    pub fn dispatch(&self) -> &Dispatch {
        self.used.store(true, Ordering::Relaxed);
        &self.dispatch
    }

    /// The sampler: its policy, changeable, and its counts.
    pub fn sampler(&self) -> &SamplerHandle {
        &self.sampler
    }

    /// Samples traces by this policy from now on; see [`SamplerHandle::set`].
    pub fn set_sampler(&self, policy: SamplerPolicy) {
        self.sampler.set(policy);
    }

    /// The filters of log lines and of `tracing` spans, changeable.
    pub fn filters(&self) -> &FilterHandle {
        &self.filters
    }

    /// The health of export: for each signal the last success and failure, the items that wait and the losses.
    pub fn health(&self) -> TelemetryHealth {
        self.health.clone()
    }

    /// Faults of the configuration, each with the value that is used.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The effective configuration: the value of each setting, secrets redacted, and its source. It lists the settings of
    /// adapters that have registered when it is called. Cost: a lock and a copy of all texts.
    pub fn report(&self) -> Report {
        // A program may build a telemetry just to show its configuration.
        self.used.store(true, Ordering::Relaxed);
        self.settings.report()
    }

    /// The address of the second `/metrics`, if OTEL_METRICS_EXPORTER lists `prometheus`. `None` if it does not, or if the
    /// address was taken, which is then one of the warnings.
    pub fn prometheus_address(&self) -> Option<SocketAddr> {
        self.prometheus
    }

    /// Sends everything recorded before this call. Blocks the calling thread, at most for the shutdown timeout
    /// (5 seconds); works from any runtime, because export has a thread of its own.
    ///
    /// # Errors
    ///
    /// The losses since the previous call. `Ok` means that everything has arrived.
    pub fn force_flush(&self) -> Result<(), ShutdownError> {
        self.end(Flush::flush, Losses::since_flush)
    }

    /// Sends everything recorded so far and ends telemetry. Blocks like [`force_flush`](Self::force_flush), and ends
    /// every signal even if one fails. The second call does nothing.
    ///
    /// # Errors
    ///
    /// The losses since the start, of every signal.
    pub fn shutdown(&self) -> Result<(), ShutdownError> {
        if self.ended.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        tracing::dispatcher::with_default(&self.dispatch, || log(&self.settings.unclaimed()));
        self.end(Flush::shutdown, Losses::total)
    }

    fn end<'a>(
        &'a self,
        tell: fn(&'a Flush, Duration) -> Pending<'a>,
        lost: fn(&Losses) -> Option<Loss>,
    ) -> Result<(), ShutdownError> {
        let until = Instant::now() + self.timeout;
        // Every signal is asked before the first wait, because one bound holds for all.
        let pending: Vec<_> = self
            .flushes
            .iter()
            .map(|flush| tell(flush, self.timeout))
            .collect();
        let mut losses: Vec<Loss> = pending.into_iter().filter_map(Pending::wait).collect();
        // Last, because export may have written log lines.
        losses.extend(self.lost_lines(until, lost));
        if losses.is_empty() {
            Ok(())
        } else {
            Err(ShutdownError { losses })
        }
    }
}

impl Telemetry {
    /// Waits for standard output, and returns the lines that it did not take.
    fn lost_lines(&self, until: Instant, lost: fn(&Losses) -> Option<Loss>) -> Option<Loss> {
        let written = self
            .output
            .flush(until.saturating_duration_since(Instant::now()));
        let loss = self.output.sink.losses().and_then(|losses| lost(losses));
        if written {
            return loss;
        }
        Some(Loss {
            signal: "log lines",
            unanswered: Some(self.timeout),
            ..loss.unwrap_or_default()
        })
    }
}

const UNUSED: &str = "telemetry was built and dropped, but never installed, so nothing was recorded: call `bootstrap` \
                      instead of `build`, or `install` on the telemetry";

fn log(warnings: &[String]) {
    for warning in warnings {
        tracing::warn!(target: "telemetry", "{warning}");
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        let unused = !self.used.load(Ordering::Relaxed);
        let unused = unused.then(|| UNUSED.to_owned());
        let lost = self.shutdown().err().map(|error| error.to_string());
        for line in unused.into_iter().chain(lost) {
            // Log lines may be what failed, so this is none.
            let _ = writeln!(io::stderr(), "{line}");
        }
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry")
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}
