//! The handle on a running pipeline.

use std::{
    fmt,
    io::{self, Write as _},
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use opentelemetry::{
    Key, global, logs::LoggerProvider as _, metrics::noop::NoopMeterProvider,
    trace::noop::NoopTracerProvider,
};
use opentelemetry_sdk::{
    Resource,
    logs::SdkLoggerProvider,
    metrics::Temporality,
    trace::{RandomIdGenerator, SdkTracerProvider},
};
use tracing::Dispatch;
use tracing_log::LogTracer;

use crate::{
    config::Settings,
    error::{BootstrapError, Loss, ShutdownError},
    health::TelemetryHealth,
    logs::{
        FilterChoices, FilterHandle, Form, LogOutput, LogSink, business_prefix, log_panics,
        log_queue::LogQueue,
    },
    metrics::{
        guarded_meters::GuardedMeters,
        metric_export::MetricsExport,
        metric_parts::{MetricChoices, MetricParts},
        prometheus::serve,
    },
    otlp::{Flush, Losses, Overflows, Pending, Reason, Reporter, Worker},
    self_metrics::{self, LostElsewhere, Observed, Process},
    settings::Report,
    subscriber::subscriber,
    traces::{
        Processor, Processors,
        application_spans::is_failure,
        console::{ConsoleSpans, write_metrics},
        sampling::{SamplerHandle, SamplerPolicy},
        span_queue::SpanQueue,
        span_starters,
    },
};
use secrecy::{ExposeSecret as _, SecretString};
use telemetry_api::instrument::{
    exemplar::ExemplarFilter,
    pipeline::{ShownPrincipal, install_hash_key},
    propagation::TextMap,
    providers::Providers,
    tracer::SamplingHint,
};

/// Running telemetry. Shut it down at the end of `main`; dropping it does the same and reports on standard error.
#[must_use = "telemetry ends when this is dropped: keep it to the end of main, `let _telemetry = ..`"]
pub struct Telemetry {
    providers: Providers,
    dispatch: Dispatch,
    tracer_provider: SdkTracerProvider,
    meter_provider: GuardedMeters,
    sampler: SamplerHandle,
    filters: FilterHandle,
    output: Arc<LogOutput>,
    log_panics: bool,
    flushes: Vec<Flush>,
    health: TelemetryHealth,
    warnings: Vec<String>,
    report: Report,
    principal: ShownPrincipal,
    hash_key: Option<SecretString>,
    prometheus: Option<SocketAddr>,
    timeout: Duration,
    ended: Arc<AtomicBool>,
    disabled: bool,
    _worker: Option<Worker>,
}

impl Telemetry {
    pub(crate) fn build(settings: Settings) -> Result<Self, BootstrapError> {
        let reporter = Arc::new(Reporter::default());
        let resource = settings.resource;
        let exports = settings.traces.is_some()
            || settings.metrics.is_some()
            || settings.logs.is_some()
            || settings.console_metrics
            || settings.prometheus.is_some();
        let worker = if exports {
            Some(Worker::start()?)
        } else {
            None
        };
        let sink = match settings.log_sink {
            Some(sink) => sink,
            None => LogSink::stdout(reporter.clone())?,
        };
        let mut flushes = Vec::new();
        let sampler = SamplerHandle::new(settings.sampler);

        let overflows = Arc::new(Overflows::new(reporter.clone()));
        let traced = settings.traces.is_some() || settings.console_spans;
        let choices = MetricChoices {
            views: settings.views,
            exponential: settings.exponential,
            exemplar_filter: match settings.exemplar_filter {
                // Spans may be sampled, but a trace that is not exported cannot be looked at.
                ExemplarFilter::TraceBased if !traced => ExemplarFilter::AlwaysOff,
                filter => filter,
            },
            pushed: match settings.metrics {
                Some(_) => settings.temporality,
                None => Temporality::Cumulative,
            },
        };
        let MetricParts {
            meters: meter_provider,
            readers,
            pushed,
            exemplars,
            text,
        } = MetricParts::new(choices, &resource, &overflows, &reporter);
        let mut processors: Vec<Box<dyn Processor>> = Vec::new();
        if settings.console_spans {
            processors.push(Box::new(ConsoleSpans {
                sink: sink.clone(),
                limits: settings.span_attributes,
            }));
        }
        let mut logger_provider = SdkLoggerProvider::builder().with_resource(resource.clone());
        let mut logger = None;
        let mut warnings = settings.warnings;
        let mut prometheus = None;
        if let Some(worker) = &worker {
            if let Some(endpoint) = settings.traces {
                let (queue, flush) = SpanQueue::start(
                    worker,
                    &resource,
                    endpoint,
                    settings.spans_batch,
                    settings.span_attributes,
                    &reporter,
                )?;
                processors.push(Box::new(sampler.keeper(queue)));
                flushes.push(flush);
            }
            if let Some(endpoint) = settings.logs {
                let (queue, flush) = LogQueue::start(
                    worker,
                    &resource,
                    endpoint,
                    settings.logs_batch,
                    settings.log_attributes,
                    &reporter,
                )?;
                logger_provider = logger_provider.with_log_processor(queue);
                flushes.push(flush);
                logger = Some(logger_provider.build().logger("telemetry-core"));
            }
            if let Some(endpoint) = settings.metrics {
                let exemplars = exemplars.clone();
                let interval = settings.metric_interval;
                flushes.push(MetricsExport::start(
                    worker, pushed, exemplars, endpoint, interval, &reporter,
                )?);
            }
            if settings.console_metrics {
                let (sink, interval) = (sink.clone(), settings.metric_interval);
                flushes.push(write_metrics(worker, text.clone(), sink, interval));
            }
            if let Some((host, port)) = &settings.prometheus {
                match serve(worker, host, *port, text.clone()) {
                    Ok(address) => prometheus = Some(address),
                    Err(error) => warnings.push(format!(
                        "OTEL_EXPORTER_PROMETHEUS_HOST={host:?} and OTEL_EXPORTER_PROMETHEUS_PORT={port} cannot be \
                         listened on ({error}); using only the application's own route /metrics"
                    )),
                }
            }
        }

        let (tracer_provider, start_spans) = span_starters(
            &resource,
            sampler.sampler(),
            None::<RandomIdGenerator>,
            settings.span_limits,
            Processors::new(processors),
        );
        let lost_elsewhere = LostElsewhere::default();
        if let Some(losses) = sink.losses() {
            for (reason, error_type) in Reason::OF_STANDARD_OUTPUT {
                let losses = losses.clone();
                let count = move || losses.count_lost(reason);
                lost_elsewhere.log_records("stdout_log_writer", error_type, count);
            }
        }
        let monitors: Vec<_> = flushes.iter().filter_map(Flush::monitor).cloned().collect();
        if !settings.disabled {
            let meter = self_metrics::meter(&meter_provider);
            if settings.self_telemetry {
                let observed = Observed {
                    monitors: &monitors,
                    sampler: &sampler,
                    readers: &readers,
                    lost_elsewhere: &lost_elsewhere,
                };
                self_metrics::observe_sdk(&meter, &observed);
            }
            if let Some(machine) = settings.process {
                self_metrics::observe_process(&meter, Process::new(machine));
            }
            self_metrics::observe_runtimes(&meter, settings.runtimes);
        }
        let providers = if settings.disabled {
            // It makes no spans, it passes the caller's on.
            Providers::builder(
                NoopTracerProvider::new(),
                Arc::new(NoopMeterProvider::new()),
            )
            .with_sampling_hint(SamplingHint::NOTHING_RECORDED)
        } else {
            let meters = Arc::new(meter_provider.clone());
            Providers::starting(start_spans, meters)
                .with_scrape(text)
                .with_sampling_hint(sampler.hint())
        }
        .with_propagation(settings.propagation)
        .with_exemplars(exemplars)
        .with_namespace(attribute(&resource, "service.namespace"))
        .with_sensitive(settings.sensitive)
        .build();

        let form = Form::new(
            settings.log_format,
            &attribute(&resource, "service.name"),
            &google_project(&resource, settings.log_project),
        );
        let output = Arc::new(LogOutput {
            form,
            sink,
            otlp: logger,
            span_fields: settings.log_span_fields,
            prefix: business_prefix(&attribute(&resource, "service.namespace")),
            dispatch: OnceLock::new(),
        });
        let filters = FilterHandle::new(FilterChoices {
            logs: &settings.log_filter,
            spans: &settings.span_filter,
            own_level: settings.own_log_level.as_deref(),
            span_fields: settings.log_span_fields,
            transport_logs: true,
            span_events: is_failure,
        });
        let bridged = (!settings.disabled).then_some(&tracer_provider);
        let dispatch = subscriber(output.clone(), &filters, bridged);

        reporter.log_to(&dispatch);

        let ended = Arc::new(AtomicBool::new(false));
        Ok(Self {
            providers,
            dispatch,
            tracer_provider,
            meter_provider,
            sampler,
            filters,
            output,
            log_panics: settings.log_panics,
            flushes,
            health: TelemetryHealth::new(monitors, overflows, readers, ended.clone()),
            warnings,
            report: settings.report,
            principal: settings.principal,
            hash_key: settings.hash_key,
            prometheus,
            timeout: settings.shutdown_timeout,
            ended,
            disabled: settings.disabled,
            _worker: worker,
        })
    }

    /// Makes this the telemetry of the process: our providers, OpenTelemetry's global ones and its propagator, the
    /// `tracing` subscriber, and a panic hook, which logs a panic and calls the hook before it. Then logs what was wrong
    /// with the configuration and, at debug, the [`report`](Self::report).
    ///
    /// # Errors
    ///
    /// When telemetry or another `tracing` subscriber is installed already; that one stays as it is.
    pub fn install(&self) -> Result<(), BootstrapError> {
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
            global::set_tracer_provider(self.tracer_provider.clone());
            global::set_text_map_propagator(TextMap::from(self.providers.propagation().clone()));
        }
        if self.log_panics {
            log_panics(&self.output);
        }
        for warning in &self.warnings {
            tracing::warn!(target: "telemetry", "{warning}");
        }
        if logger.is_err() {
            tracing::debug!(target: "telemetry", "the log crate has a logger already, which keeps its records");
        }
        tracing::debug!(target: "telemetry", "configuration\n{}", self.report);
        Ok(())
    }

    /// What adapters instrument with, for passing it explicitly.
    pub fn providers(&self) -> &Providers {
        &self.providers
    }

    /// The `tracing` subscriber, for use without [`install`](Self::install).
    pub fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }

    /// The sampler: its policy, changeable, and its counts.
    pub fn sampler(&self) -> &SamplerHandle {
        &self.sampler
    }

    /// Decides by this which traces to sample from now on; see [`SamplerHandle::set`].
    pub fn set_sampler(&self, policy: SamplerPolicy) {
        self.sampler.set(policy);
    }

    /// The filters of log lines and of `tracing` spans, changeable.
    pub fn filters(&self) -> &FilterHandle {
        &self.filters
    }

    /// How export goes: for each signal the last success and failure, what waits and what was lost.
    pub fn health(&self) -> TelemetryHealth {
        self.health.clone()
    }

    /// What was wrong with the configuration and what is used instead.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The effective configuration: each setting's value, credentials redacted, and where it came from.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Where `/metrics` is served because OTEL_METRICS_EXPORTER lists `prometheus`; `None` if it does not, or if the
    /// address was taken, which then is among the warnings.
    pub fn prometheus_address(&self) -> Option<SocketAddr> {
        self.prometheus
    }

    /// Sends everything recorded before this call. Blocks the calling thread, at most for the shutdown timeout
    /// (5 seconds); works from any runtime, because export has a thread of its own.
    ///
    /// # Errors
    ///
    /// What was lost since the previous call. `Ok` means that all of it has arrived.
    pub fn force_flush(&self) -> Result<(), ShutdownError> {
        self.end(Flush::flush, Losses::since_flush)
    }

    /// Sends everything recorded so far and ends telemetry. Blocks like [`force_flush`](Self::force_flush), and ends
    /// every signal even if one fails. The second call does nothing.
    ///
    /// # Errors
    ///
    /// What was lost from the start, for every signal.
    pub fn shutdown(&self) -> Result<(), ShutdownError> {
        if self.ended.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        self.end(Flush::shutdown, Losses::total)
    }

    fn end<'a>(
        &'a self,
        tell: fn(&'a Flush, Duration) -> Pending<'a>,
        lost: fn(&Losses) -> Option<Loss>,
    ) -> Result<(), ShutdownError> {
        let until = Instant::now() + self.timeout;
        // All are told before any is waited for: the bound is one for all signals.
        let pending: Vec<_> = self
            .flushes
            .iter()
            .map(|flush| tell(flush, self.timeout))
            .collect();
        let mut losses: Vec<Loss> = pending.into_iter().filter_map(Pending::wait).collect();
        // Last, because export may have had something to say.
        losses.extend(self.lost_lines(until, lost));
        if losses.is_empty() {
            Ok(())
        } else {
            Err(ShutdownError { losses })
        }
    }
}

impl Telemetry {
    /// Waits for standard output, and returns which lines it did not take.
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

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Err(error) = self.shutdown() {
            // Logs may be what failed, so this does not go through them.
            let _ = writeln!(io::stderr(), "{error}");
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

/// The project that traces are stored in.
fn google_project(resource: &Resource, setting: String) -> String {
    if attribute(resource, "cloud.provider") == "gcp" {
        let project = attribute(resource, "cloud.account.id");
        if !project.is_empty() {
            return project;
        }
    }
    setting
}

fn attribute(resource: &Resource, key: &'static str) -> String {
    resource
        .get(&Key::from_static_str(key))
        .map(|value| value.to_string())
        .unwrap_or_default()
}
