//! The handle on a running pipeline.

use std::{
    fmt,
    io::{self, Write as _},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use opentelemetry::{
    InstrumentationScope, Key, global,
    logs::LoggerProvider as _,
    trace::{TracerProvider as _, noop::NoopTracerProvider},
};
use opentelemetry_sdk::{
    Resource,
    logs::SdkLoggerProvider,
    metrics::{Aggregation, Instrument, InstrumentKind, SdkMeterProvider, Stream, Temporality},
    trace::SdkTracerProvider,
};
use tracing::{Dispatch, Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{LevelFilter, filter_fn},
    layer::SubscriberExt,
};

use super::{
    config::Settings,
    error::{BootstrapError, Loss, ShutdownError},
    export::{
        ConsoleSpans, Flush, LogQueue, MetricsExport, Pending, Reporter, SharedReader, SpanQueue,
        Worker, write_metrics,
    },
    logs::LogLayer,
    meters::GuardedMeters,
    prometheus::{TextExposition, serve},
    sampling::{SamplerHandle, SamplerPolicy},
    settings::Report,
};
use crate::{
    exemplar::{ExemplarFilter, ExemplarStore},
    propagation::TextMap,
    providers::Providers,
};

/// Targets whose spans are the transport's own and would hang below every client span.
const TRANSPORT_TARGETS: [&str; 6] = ["h2", "hyper", "hyper_util", "reqwest", "tonic", "tower"];

/// Running telemetry. Shut it down at the end of `main`; dropping it does the same and reports on standard error.
#[must_use = "telemetry ends when this is dropped"]
pub struct Telemetry {
    providers: Providers,
    dispatch: Dispatch,
    tracer_provider: SdkTracerProvider,
    meter_provider: GuardedMeters,
    sampler: SamplerHandle,
    flushes: Vec<Flush>,
    warnings: Vec<String>,
    report: Report,
    prometheus: Option<SocketAddr>,
    timeout: Duration,
    ended: AtomicBool,
    disabled: bool,
    _worker: Option<Worker>,
}

impl Telemetry {
    pub(super) fn build(settings: Settings) -> Result<Self, BootstrapError> {
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
        let mut flushes = Vec::new();
        let sampler = SamplerHandle::new(settings.sampler);

        let reader = SharedReader::new();
        let traced = settings.traces.is_some() || settings.console_spans;
        let exemplar_filter = match settings.exemplar_filter {
            // Spans may be sampled, but a trace that is not exported cannot be looked at.
            ExemplarFilter::TraceBased if !traced => ExemplarFilter::AlwaysOff,
            filter => filter,
        };
        let exemplars = Arc::new(ExemplarStore::new(exemplar_filter));
        let text = Arc::new(TextExposition::new(
            reader.clone(),
            exemplars.clone(),
            &resource,
        ));
        let mut meter_provider = SdkMeterProvider::builder()
            .with_resource(resource.clone())
            .with_reader(reader.clone());
        let mut pushed = reader;
        if settings.metrics.is_some() && settings.temporality != Temporality::Cumulative {
            pushed = SharedReader::with_temporality(settings.temporality);
            meter_provider = meter_provider.with_reader(pushed.clone());
        }
        if settings.exponential {
            meter_provider = meter_provider.with_view(exponential_histograms);
        }
        let meter_provider = GuardedMeters::new(meter_provider.build(), reporter.clone());
        let mut tracer_provider = SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_sampler(sampler.sampler())
            .with_span_limits(settings.span_limits);
        if settings.console_spans {
            tracer_provider = tracer_provider.with_span_processor(ConsoleSpans {
                sink: settings.log_sink.clone(),
                limits: settings.span_attributes,
            });
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
                tracer_provider = tracer_provider.with_span_processor(sampler.keeper(queue));
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
                let (sink, interval) = (settings.log_sink.clone(), settings.metric_interval);
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

        let tracer_provider = tracer_provider.build();
        let meters = Arc::new(meter_provider.clone());
        let providers = if settings.disabled {
            // It makes no spans, it passes the caller's on: there is nothing to foresee.
            Providers::builder(NoopTracerProvider::new(), meters)
        } else {
            Providers::builder(tracer_provider.clone(), meters)
                .with_scrape(text)
                .with_sampling_hint(sampler.hint())
        }
        .with_propagation(settings.propagation)
        .with_exemplars(exemplars)
        .with_namespace(attribute(&resource, "service.namespace"))
        .build();

        let service = attribute(&resource, "service.name");
        let logs = LogLayer::new(settings.log_format, settings.log_sink, &service, logger);
        let filter = EnvFilter::try_new(&settings.log_filter).unwrap_or_else(|error| {
            warnings.push(format!(
                "RUST_LOG={:?} is not valid ({error}); using info",
                settings.log_filter
            ));
            EnvFilter::default().add_directive(LevelFilter::INFO.into())
        });
        let own = settings
            .own_log_level
            .and_then(|level| format!("telemetry={level}").parse().ok());
        let filter = match own {
            Some(own) => filter.add_directive(own),
            None => filter,
        };
        let bridge = (!settings.disabled).then(|| spans_of_the_application(&tracer_provider));
        let dispatch = Dispatch::new(
            Registry::default()
                .with(bridge)
                .with(logs.with_filter(filter)),
        );

        reporter.log_to(&dispatch);

        Ok(Self {
            providers,
            dispatch,
            tracer_provider,
            meter_provider,
            sampler,
            flushes,
            warnings,
            report: settings.report,
            prometheus,
            timeout: settings.shutdown_timeout,
            ended: AtomicBool::new(false),
            disabled: settings.disabled,
            _worker: worker,
        })
    }

    /// Makes this the telemetry of the process: our providers, OpenTelemetry's global ones and its propagator, and
    /// the `tracing` subscriber. Then logs what was wrong with the configuration and, at debug, the
    /// [`report`](Self::report).
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
        if !self.disabled {
            global::set_meter_provider(self.meter_provider.clone());
            global::set_tracer_provider(self.tracer_provider.clone());
            global::set_text_map_propagator(TextMap::from(self.providers.propagation().clone()));
        }
        for warning in &self.warnings {
            tracing::warn!(target: "telemetry", "{warning}");
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
        self.end(Flush::flush)
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
        self.end(Flush::shutdown)
    }

    fn end<'a>(
        &'a self,
        tell: fn(&'a Flush, Duration) -> Pending<'a>,
    ) -> Result<(), ShutdownError> {
        // All are told before any is waited for: the bound is one for all signals.
        let pending: Vec<_> = self
            .flushes
            .iter()
            .map(|flush| tell(flush, self.timeout))
            .collect();
        let losses: Vec<Loss> = pending.into_iter().filter_map(Pending::wait).collect();
        if losses.is_empty() {
            Ok(())
        } else {
            Err(ShutdownError { losses })
        }
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

/// The bridge for the application's own `tracing` spans, without the extras that cost more than the span: location,
/// threads, target and idle times. It makes them children of whatever context is current.
fn spans_of_the_application<S>(provider: &SdkTracerProvider) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let scope = InstrumentationScope::builder("tracing").build();
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer_with_scope(scope))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(filter_fn(is_application_span))
}

fn is_application_span(metadata: &Metadata<'_>) -> bool {
    let krate = metadata.target().split("::").next().unwrap_or_default();
    metadata.is_span() && *metadata.level() <= Level::INFO && !TRANSPORT_TARGETS.contains(&krate)
}

/// The view behind base2_exponential_bucket_histogram, with the size and scale of the specification.
fn exponential_histograms(instrument: &Instrument) -> Option<Stream> {
    if instrument.kind() != InstrumentKind::Histogram {
        return None;
    }
    let aggregation = Aggregation::Base2ExponentialHistogram {
        max_size: 160,
        max_scale: 20,
        record_min_max: true,
    };
    Stream::builder().with_aggregation(aggregation).build().ok()
}

fn attribute(resource: &Resource, key: &'static str) -> String {
    resource
        .get(&Key::from_static_str(key))
        .map(|value| value.to_string())
        .unwrap_or_default()
}
