//! The choices for the telemetry of one test, and its parts.

use std::{
    array,
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use opentelemetry::logs::LoggerProvider as _;
use opentelemetry_sdk::{
    Resource,
    logs::SdkLoggerProvider,
    trace::{Sampler, SdkTracerProvider, SpanData, SpanLimits},
};
use tracing::Dispatch;

use crate::{
    Config, Detector, SamplerHandle, Service, View,
    logs::{FilterChoices, FilterHandle, Form, LogFormat, LogOutput, LogSink, business_prefix},
    metrics::metric_parts::{MetricChoices, MetricParts},
    metrics::overflow::Overflows,
    otlp::Reporter,
    subscriber::subscriber,
    testing::{
        memory::Memory, open_spans::OpenSpans, seeded_ids::SeededIds, test_clock::TestClock,
        test_telemetry::TestTelemetry,
    },
    traces::{Processor, Processors, span_starters::span_starters},
};
use telemetry_api::{
    instrument::{
        pipeline::StartSpans,
        propagation::Propagation,
        providers::Providers,
        tracer::{Decides, LiveSamplingHint, SamplingHint},
    },
    sensitive::Sensitive,
};

/// `service.name` of tests.
const SERVICE: &str = "test";

#[derive(Debug)]
enum Sampling {
    Sdk(Sampler),
    Ours(SamplerHandle),
}

/// Choices for a [`TestTelemetry`].
#[derive(Debug)]
#[must_use = "finish with `build`"]
pub struct TestTelemetryBuilder {
    sampling: Sampling,
    namespace: String,
    sensitive: Sensitive,
    propagation: Propagation,
    views: Vec<View>,
    seed: Option<u64>,
    start: Option<SystemTime>,
}

impl TestTelemetryBuilder {
    pub(super) fn new() -> Self {
        Self {
            sampling: Sampling::Sdk(Sampler::ParentBased(Box::new(Sampler::AlwaysOn))),
            namespace: "retail".to_owned(),
            sensitive: Sensitive::default(),
            propagation: Propagation::default(),
            views: Vec::new(),
            seed: None,
            start: None,
        }
    }

    pub(super) fn with_sampler_handle(mut self, sampler: &SamplerHandle) -> Self {
        self.sampling = Sampling::Ours(sampler.clone());
        self
    }

    /// Asks this sampler. Default: every span whose parent does not say otherwise.
    pub fn with_sampler(mut self, sampler: Sampler) -> Self {
        self.sampling = Sampling::Sdk(sampler);
        self
    }

    /// The resource's `service.namespace`, the prefix of business attributes. Default: `retail`.
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Treats sensitive attributes like this. Default: they are hashed.
    pub fn with_sensitive(mut self, sensitive: Sensitive) -> Self {
        self.sensitive = sensitive;
        self
    }

    /// How context travels in headers. Default: W3C Trace Context and Baggage.
    pub fn with_propagation(mut self, propagation: Propagation) -> Self {
        self.propagation = propagation;
        self
    }

    /// Trace and span ids that are the same in every run, in the order in which spans start. Two services in one test
    /// need two seeds, or their spans have the same ids.
    ///
    /// Threads that race for ids get them in another order each time; ids can be compared only where the order of
    /// spans is certain.
    pub fn with_deterministic_ids(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// A clock that stands at `start` until it is [advanced](TestClock::advance), for the times of spans, their events
    /// and log records.
    ///
    /// The SDK reads the system's clock and lets nobody replace it. So its times are translated where they are read,
    /// in [`spans`](TestTelemetry::spans) and [`logs`](TestTelemetry::logs). What is measured with the monotonic
    /// clock stays real: the durations in metrics. So do the timestamps in [`log_lines`](TestTelemetry::log_lines).
    pub fn with_clock(mut self, start: SystemTime) -> Self {
        self.start = Some(start);
        self
    }

    /// Adds a view, as [`Config::with_view`] does. Default: none.
    pub fn with_view(mut self, view: View) -> Self {
        self.views.push(view);
        self
    }

    /// The telemetry. It has no global effect.
    ///
    /// It is made of the parts of [`Telemetry`](crate::Telemetry). Only the ends differ: spans, records and lines stay in
    /// memory.
    pub fn build(self) -> TestTelemetry {
        hear_all_events();
        let resource = resource(&self.namespace);
        let reporter = Arc::new(Reporter::default());
        let spans = Memory::default();
        let open = OpenSpans::default();
        let ids = self.seed.map(SeededIds::new);
        let (tracer_provider, start_spans, hint) =
            self.sampling.start_spans(&resource, ids, &spans, &open);
        let overflows = Arc::new(Overflows::new(reporter.clone()));
        let choices = MetricChoices {
            views: self.views,
            ..MetricChoices::default()
        };
        let metrics = MetricParts::new(choices, &resource, &overflows, &reporter);
        let providers = Providers::starting(start_spans, Arc::new(metrics.meters.clone()))
            .with_sampling_hint(hint)
            .with_propagation(self.propagation)
            .with_exemplars(metrics.exemplars)
            .with_scrape(metrics.text)
            .with_namespace(self.namespace)
            .with_sensitive(self.sensitive)
            .build();
        let records = Memory::default();
        let logger_provider = SdkLoggerProvider::builder()
            .with_resource(resource)
            .with_log_processor(records.clone())
            .build();
        let lines = Memory::default();
        let dispatch = subscribe(
            &tracer_provider,
            &logger_provider,
            &lines,
            providers.namespace(),
        );
        reporter.log_to(&dispatch);
        TestTelemetry {
            providers,
            dispatch,
            spans,
            open,
            reader: metrics.pushed,
            records,
            lines,
            clock: self.start.map(TestClock::new),
            _tracer_provider: tracer_provider,
            _meter_provider: metrics.meters,
            _logger_provider: logger_provider,
        }
    }
}

impl Sampling {
    fn start_spans(
        self,
        resource: &Resource,
        ids: Option<SeededIds>,
        spans: &Memory<SpanData>,
        open: &OpenSpans,
    ) -> (SdkTracerProvider, StartSpans, LiveSamplingHint) {
        // `open` is told last: a test that waits for the end of a span finds the span in `spans`.
        let processors =
            |first: Box<dyn Processor>| Processors::new(vec![first, Box::new(open.clone())]);
        let limits = SpanLimits::default();
        match self {
            Self::Sdk(sampler) => {
                let hint = SamplingHint {
                    reads_attributes: false,
                    records_roots: true,
                    records_unsampled: false,
                    decides: Decides::All,
                };
                let processors = processors(Box::new(spans.clone()));
                let (provider, start) = span_starters(resource, sampler, ids, limits, processors);
                (provider, start, LiveSamplingHint::from(hint))
            }
            Self::Ours(sampler) => {
                let processors = processors(Box::new(sampler.keeper(spans.clone())));
                let (provider, start) =
                    span_starters(resource, sampler.sampler(), ids, limits, processors);
                (provider, start, sampler.hint())
            }
        }
    }
}

/// The subscriber of a pipeline, with every event and with lines as JSON in memory.
fn subscribe(
    spans: &SdkTracerProvider,
    records: &SdkLoggerProvider,
    lines: &Memory<String>,
    namespace: &str,
) -> Dispatch {
    let lines = lines.clone();
    let output = Arc::new(LogOutput {
        form: Form::new(LogFormat::Json, SERVICE, ""),
        sink: LogSink::new(move |line| lines.push(line.trim_end().to_owned())),
        otlp: Some(records.logger("telemetry-core")),
        span_fields: false,
        prefix: business_prefix(namespace),
        dispatch: OnceLock::new(),
    });
    let filters = FilterHandle::new(FilterChoices {
        logs: "trace",
        spans: "info",
        own_level: None,
        span_fields: false,
        transport_logs: false,
    });
    subscriber(output, &filters, Some(spans))
}

/// The resource of a service that runs nowhere: what a pipeline says of itself and of the service, without detectors.
fn resource(namespace: &str) -> Resource {
    let service = Service::new(SERVICE).namespace(namespace);
    let config = Config::new(service)
        .with_environment::<String, String>([])
        .with_file_system("/nonexistent")
        .without_detectors([
            Detector::Host,
            Detector::Os,
            Detector::Process,
            Detector::Container,
            Detector::Kubernetes,
            Detector::Cloud,
        ]);
    match config.resolve() {
        Ok(settings) => settings.resource,
        Err(_) => Resource::builder_empty().build(),
    }
}

/// Lets tests that run side by side listen to the same events.
///
/// `tracing` remembers for each event whether anybody is interested. While there is one subscriber only, it asks the
/// thread that comes first, and if that one has none, nobody hears the event ever after. With two it asks all.
fn hear_all_events() {
    static KEPT: OnceLock<[Dispatch; 2]> = OnceLock::new();
    KEPT.get_or_init(|| array::from_fn(|_| Dispatch::new(tracing_subscriber::registry())));
}
