//! From decisions to a running pipeline, without global effect.

use std::sync::{Arc, atomic::AtomicBool};

use opentelemetry::{metrics::noop::NoopMeterProvider, trace::noop::NoopTracerProvider};
use telemetry_api::instrument::{
    pipeline::StartSpans,
    providers::{Providers, ProvidersBuilder},
    tracer::{LiveSamplingHint, SamplingHint},
};

use crate::{
    common::Common,
    config::Plan,
    error::BootstrapError,
    health::TelemetryHealth,
    logs::{self, LogSink},
    metrics::{
        settings::MetricsSettings,
        start::{self as metrics, MetricPipeline},
    },
    otlp::{Flush, Monitor, Reason, Reporter, Worker},
    resource::{Machine, attribute_text},
    self_metrics::{self, LostElsewhere, Observed, Process},
    settings::LiveSettings,
    subscriber::subscriber,
    telemetry::Telemetry,
    traces::start::{self as traces, TracePipeline},
};

/// Builds the three signals, then the providers and the subscriber that instrumentation uses.
pub(crate) fn build(mut plan: Plan) -> Result<Telemetry, BootstrapError> {
    let mut common = start_common(&mut plan)?;
    let mut warnings = std::mem::take(&mut plan.settings.warnings);
    let self_metrics = SelfMetrics::of(&mut plan.metrics, plan.machine);
    let (traced, log_panics) = (plan.traces.is_exported(), plan.logs.panics);
    let mut traces = traces::start(plan.traces, &common)?;
    let mut logs = logs::start::start(plan.logs, &common)?;
    let mut metrics = metrics::start(plan.metrics, traced, &common)?;
    warnings.extend(metrics.warning.take());

    let flushes = traces.flush.take().into_iter().chain(logs.flush.take());
    let flushes: Vec<_> = flushes
        .chain(std::mem::take(&mut metrics.flushes))
        .collect();
    let monitors: Vec<_> = flushes.iter().filter_map(Flush::monitor).cloned().collect();
    if !plan.disabled {
        self_metrics.observe(&traces, &metrics, &common.sink, &monitors);
    }
    let settings = Arc::new(LiveSettings::new(plan.settings));
    let (disabled, hint) = (plan.disabled, traces.sampler.hint());
    let providers = providers(disabled, traces.start_spans, hint, &metrics)
        .with_propagation(plan.propagation)
        .with_exemplars(metrics.exemplars)
        .with_namespace(attribute_text(&common.resource, "service.namespace"))
        .with_sensitive(plan.sensitive)
        .with_settings(settings.clone())
        .build();
    let spans = traced.then_some(&traces.provider);
    let dispatch = subscriber(logs.output.clone(), &logs.filters, spans);
    common.reporter.log_to(&dispatch);
    let ended = Arc::new(AtomicBool::new(false));
    Ok(Telemetry {
        providers,
        dispatch,
        tracer_provider: traces.provider,
        meter_provider: metrics.provider,
        sampler: traces.sampler,
        filters: logs.filters,
        output: logs.output,
        log_panics,
        flushes,
        health: TelemetryHealth::new(monitors, metrics.overflows, metrics.readers, ended.clone()),
        warnings,
        settings,
        principal: plan.principal,
        hash_key: plan.hash_key,
        prometheus: metrics.prometheus,
        timeout: plan.shutdown_timeout,
        ended,
        disabled: plan.disabled,
        traced,
        used: AtomicBool::new(false),
        _worker: common.worker.take(),
    })
}

fn start_common(plan: &mut Plan) -> Result<Common, BootstrapError> {
    let reporter = Arc::new(Reporter::default());
    let (traces, metrics, logs) = (&plan.traces, &plan.metrics, &plan.logs);
    let needs_worker = traces.export.is_some()
        || metrics.export.is_some()
        || logs.export.is_some()
        || metrics.console
        || metrics.prometheus.is_some();
    let worker = if needs_worker {
        Some(Worker::start()?)
    } else {
        None
    };
    let sink = match plan.log_sink.take() {
        Some(sink) => sink,
        None => LogSink::stdout(reporter.clone())?,
    };
    Ok(Common {
        worker,
        resource: plan.resource.clone(),
        reporter,
        sink,
    })
}

fn providers(
    disabled: bool,
    start_spans: StartSpans,
    hint: LiveSamplingHint,
    metrics: &MetricPipeline,
) -> ProvidersBuilder {
    if disabled {
        // It makes no spans, it passes the caller's on.
        let meters = Arc::new(NoopMeterProvider::new());
        return Providers::builder(NoopTracerProvider::new(), meters)
            .with_sampling_hint(SamplingHint::NOTHING_RECORDED);
    }
    Providers::starting(start_spans, Arc::new(metrics.provider.clone()))
        .with_scrape(metrics.text.clone())
        .with_sampling_hint(hint)
}

/// The metrics of the telemetry itself, of the process and of its runtimes.
struct SelfMetrics {
    sdk: bool,
    process: Option<Machine>,
    runtimes: Vec<(String, tokio::runtime::Handle)>,
}

impl SelfMetrics {
    fn of(settings: &mut MetricsSettings, machine: Machine) -> Self {
        Self {
            sdk: settings.sdk,
            process: settings.process.then_some(machine),
            runtimes: std::mem::take(&mut settings.runtimes),
        }
    }

    fn observe(
        self,
        traces: &TracePipeline,
        metrics: &MetricPipeline,
        sink: &LogSink,
        monitors: &[Arc<Monitor>],
    ) {
        let lost_elsewhere = LostElsewhere::default();
        if let Some(losses) = sink.losses() {
            for (reason, error_type) in Reason::OF_STANDARD_OUTPUT {
                let losses = losses.clone();
                let count = move || losses.count_lost(reason);
                lost_elsewhere.log_records("stdout_log_writer", error_type, count);
            }
        }
        let meter = self_metrics::meter(&metrics.provider);
        if self.sdk {
            let observed = Observed {
                monitors,
                sampler: &traces.sampler,
                readers: &metrics.readers,
                lost_elsewhere: &lost_elsewhere,
            };
            self_metrics::observe_sdk(&meter, &observed);
        }
        if let Some(machine) = self.process {
            self_metrics::observe_process(&meter, Process::new(machine));
        }
        self_metrics::observe_runtimes(&meter, self.runtimes);
    }
}
