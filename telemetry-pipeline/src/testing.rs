//! Telemetry in memory, without globals: what instrumented code emitted, to assert on and to query.
//!
//! ```
//! use telemetry_api::{opentelemetry::trace::SpanKind, step};
//! use telemetry_pipeline::testing::TestTelemetry;
//!
//! # async fn reserve() -> Result<u32, std::io::Error> { Ok(2) }
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let telemetry = TestTelemetry::new();
//! let _default = telemetry.set_default();
//! step("Verify_Inventory_Status").stage("inventory").run(reserve()).await.unwrap();
//!
//! telemetry
//!     .assert_span("Verify_Inventory_Status")
//!     .kind(SpanKind::Internal)
//!     .with("retail.stage", "inventory")
//!     .outcome("ok");
//! assert_eq!(telemetry.instrument("retail.steps").with("retail.outcome", "ok").value(), 1.0);
//! telemetry.assert_no_leaks();
//! # }
//! ```
//!
//! Assertions panic, as assertions do, and say what there is instead. The guide `docs/guides/test-your-telemetry.md`
//! goes through all of it.

mod checks;
mod clock;
mod ids;
mod logs;
mod memory;
mod open;
mod recorded_metrics;
mod spans;
mod text;
mod tree;
mod unsent;

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

use opentelemetry::logs::LoggerProvider as _;
use opentelemetry_sdk::{
    Resource,
    logs::{SdkLogRecord, SdkLoggerProvider},
    metrics::SdkMeterProvider,
    trace::{IdGenerator, Sampler, SdkTracerProvider, ShouldSample, SpanData, SpanLimits},
};
use tracing::Dispatch;

use self::{ids::SeededIds, memory::Memory, open::OpenSpans};
pub use crate::testing::{
    clock::TestClock,
    logs::{LogAssert, LogRecord},
    recorded_metrics::InstrumentQuery,
    spans::SpanAssert,
    unsent::unsent,
};
use crate::{
    SamplerHandle, SamplerPolicy,
    metrics::{metric_export::SharedReader, prometheus::TextExposition},
    subscriber::subscriber_for_tests,
    traces::{Processor, Processors, Recorder},
};
use telemetry_api::{
    instrument::{
        exemplar::ExemplarStore,
        propagation::Propagation,
        providers::{self, Providers},
        scrape::ScrapeFormat,
        tracer::{Decides, LiveSamplingHint, SamplingHint},
    },
    sensitive::Sensitive,
};

/// How long [`TestTelemetry::wait_for_spans`] waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// Providers and a `tracing` subscriber that keep everything in memory. Several can live side by side, so tests can run
/// in parallel. Clones are handles on the same telemetry.
#[derive(Clone, Debug)]
pub struct TestTelemetry {
    providers: Providers,
    dispatch: Dispatch,
    spans: Memory<SpanData>,
    open: OpenSpans,
    reader: SharedReader,
    records: Memory<SdkLogRecord>,
    lines: Memory<String>,
    clock: Option<TestClock>,
    // Held so that spans and records are exported and metrics collected.
    _tracer_provider: SdkTracerProvider,
    _meter_provider: Arc<SdkMeterProvider>,
    _logger_provider: SdkLoggerProvider,
}

impl TestTelemetry {
    /// Every span is recorded, unless its parent was not. The namespace is `retail`, ids are random, time is real.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// With choices; finish with [`build`](TestTelemetryBuilder::build).
    pub fn builder() -> TestTelemetryBuilder {
        TestTelemetryBuilder {
            sampling: Sampling::Sdk(Sampler::ParentBased(Box::new(Sampler::AlwaysOn))),
            namespace: "retail".to_owned(),
            sensitive: Sensitive::default(),
            propagation: Propagation::default(),
            seed: None,
            start: None,
        }
    }

    /// With a sampler of the test's.
    pub fn with_sampler(sampler: Sampler) -> Self {
        Self::builder().with_sampler(sampler).build()
    }

    /// Samples as an application with this policy does, and hands back the sampler, to change it.
    pub fn with_policy(policy: SamplerPolicy) -> (Self, SamplerHandle) {
        let sampler = SamplerHandle::new(policy);
        (Self::with_handle(&sampler), sampler)
    }

    pub(crate) fn with_handle(sampler: &SamplerHandle) -> Self {
        let mut builder = Self::builder();
        builder.sampling = Sampling::Ours(sampler.clone());
        builder.build()
    }

    /// What the code under test instruments with: `TelemetryLayer::new().with_providers(telemetry.providers().clone())`.
    pub fn providers(&self) -> &Providers {
        &self.providers
    }

    /// The `tracing` subscriber: application spans become spans here, events become log records.
    ///
    /// Spans of `tracing` are recorded from `INFO` up, as in production; events at every level but those of the HTTP
    /// stack below our exporters.
    pub fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }

    /// Makes this the telemetry of the current thread until the guard is dropped: its providers, which adapters and
    /// [`step`](telemetry_api::step()) take unless they are given others, and its `tracing` subscriber.
    ///
    /// Enough for `#[test]` and `#[tokio::test]`, whose tasks all run on the thread of the test. For a runtime with
    /// worker threads, see [`adopt_thread`](Self::adopt_thread).
    pub fn set_default(&self) -> TestDefault {
        TestDefault {
            _providers: self.providers.set_default(),
            _subscriber: tracing::dispatcher::set_default(&self.dispatch),
        }
    }

    /// Makes this the telemetry of the current thread for the rest of the thread's life.
    ///
    /// For the worker threads of a runtime that a test builds itself:
    ///
    /// ```
    /// # use telemetry_pipeline::testing::TestTelemetry;
    /// let telemetry = TestTelemetry::new();
    /// let adopting = telemetry.clone();
    /// let runtime = tokio::runtime::Builder::new_multi_thread()
    ///     .worker_threads(2)
    ///     .on_thread_start(move || adopting.adopt_thread())
    ///     .build()
    ///     .unwrap();
    /// runtime.block_on(async {
    ///     let step = async { telemetry_api::step("Reserve").run(async { Ok::<_, std::fmt::Error>(()) }).await };
    ///     tokio::spawn(step).await.unwrap().unwrap();
    /// });
    /// telemetry.assert_span("Reserve").count(1);
    /// ```
    pub fn adopt_thread(&self) {
        // Nothing is restored: the thread ends with it.
        std::mem::forget(self.set_default());
    }

    /// The clock of [`with_clock`](TestTelemetryBuilder::with_clock).
    pub fn clock(&self) -> Option<&TestClock> {
        self.clock.as_ref()
    }

    /// The spans that have ended, in the order they did.
    pub fn spans(&self) -> Vec<SpanData> {
        let mut spans = self.recorded();
        if let Some(clock) = &self.clock {
            for span in &mut spans {
                span.start_time = clock.shown(span.start_time);
                span.end_time = clock.shown(span.end_time);
                for event in &mut span.events.events {
                    event.timestamp = clock.shown(event.timestamp);
                }
            }
        }
        spans
    }

    /// The spans with the times at which they really were.
    fn recorded(&self) -> Vec<SpanData> {
        self.spans.all()
    }

    /// The names of the spans that have started and not ended, the oldest first.
    pub fn open_spans(&self) -> Vec<String> {
        self.open.list().into_iter().map(|span| span.name).collect()
    }

    /// Waits until at least so many spans have ended, and returns all that have.
    ///
    /// A server's span ends when the response's last byte is handed over, which a client on another thread may notice
    /// earlier. Prefer this to sleeping.
    ///
    /// # Panics
    ///
    /// After 10 seconds, with the tree of what has ended and the names of what has not.
    pub async fn wait_for_spans(&self, count: usize) -> Vec<SpanData> {
        self.wait_within(count, PATIENCE).await
    }

    async fn wait_within(&self, count: usize, patience: Duration) -> Vec<SpanData> {
        let enough = async {
            loop {
                let changed = self.open.ended();
                tokio::pin!(changed);
                // Listening begins before looking, so no end is missed in between.
                changed.as_mut().enable();
                if self.recorded().len() >= count {
                    return;
                }
                changed.await;
            }
        };
        let in_time = tokio::time::timeout(patience, enough).await.is_ok();
        assert!(
            in_time,
            "{count} spans were waited for\n{}",
            self.what_there_is(&[])
        );
        self.spans()
    }

    /// The ended spans as an indented tree, one line a span: kind, name, the attributes asked for, `ERROR` and what
    /// the status says. Siblings stand in the order they started; a parent that has not ended makes its children roots.
    pub fn tree(&self, attributes: &[&str]) -> String {
        tree::render(&self.recorded(), tree::Shown::Only(attributes), &[])
    }

    /// The metrics as Prometheus text, without comments and scopes: `name{labels} value` a line, sorted.
    pub fn metrics(&self) -> String {
        let text = self.providers.scrape(ScrapeFormat::Prometheus);
        text::metrics(&text.unwrap_or_default())
    }

    /// The value of one series of [`metrics`](Self::metrics), such as `retail_steps_total{retail_outcome="ok"}`. See
    /// [`instrument`](Self::instrument) for a query by name and attributes.
    pub fn metric(&self, series: &str) -> Option<f64> {
        let metrics = self.metrics();
        let value = metrics
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        value.parse().ok()
    }

    /// The log lines as standard output would have them with `LogFormat::Json`, each without its newline.
    pub fn log_lines(&self) -> Vec<String> {
        self.lines.all()
    }

    /// Forgets the spans that have ended and the logs. Metrics are cumulative and stay.
    pub fn reset(&self) {
        self.spans.clear();
        self.records.clear();
        self.lines.clear();
    }

    /// What failure messages end with: the tree, with these spans marked, and what has not ended.
    fn what_there_is(&self, marked: &[opentelemetry::trace::SpanId]) -> String {
        let mut text = match self.recorded() {
            spans if spans.is_empty() => "no span has ended\n".to_owned(),
            spans => format!(
                "the spans that ended:\n{}",
                tree::render(&spans, tree::Shown::All, marked)
            ),
        };
        let open = self.open_spans();
        if !open.is_empty() {
            text.push_str(&format!("still open: {}\n", open.join(", ")));
        }
        text
    }
}

impl Default for TestTelemetry {
    fn default() -> Self {
        Self::new()
    }
}

/// Restores the thread's previous telemetry when dropped.
#[derive(Debug)]
#[must_use = "the default ends as soon as this is dropped"]
pub struct TestDefault {
    _providers: providers::DefaultGuard,
    _subscriber: tracing::dispatcher::DefaultGuard,
}

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
    seed: Option<u64>,
    start: Option<SystemTime>,
}

impl TestTelemetryBuilder {
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

    /// What becomes of sensitive attributes. Default: they are hashed.
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

    /// The telemetry. No global effect.
    pub fn build(self) -> TestTelemetry {
        hear_all_events();
        let spans = Memory::default();
        let open = OpenSpans::default();
        let ids = self.seed.map(SeededIds::new);
        let (tracer_provider, start_span, hint) = match self.sampling {
            Sampling::Sdk(sampler) => {
                let hint = SamplingHint {
                    reads_attributes: false,
                    records_roots: true,
                    records_unsampled: false,
                    decides: Decides::All,
                };
                let (provider, start) = record(sampler, ids, spans.clone(), &open);
                (provider, start, LiveSamplingHint::from(hint))
            }
            Sampling::Ours(sampler) => {
                let keeper = sampler.keeper(spans.clone());
                let (provider, start) = record(sampler.sampler(), ids, keeper, &open);
                (provider, start, sampler.hint())
            }
        };

        let reader = SharedReader::new();
        let meter_provider = Arc::new(
            SdkMeterProvider::builder()
                .with_reader(reader.clone())
                .build(),
        );
        let exemplars = Arc::new(ExemplarStore::default());
        let text = TextExposition::new(
            reader.clone(),
            exemplars.clone(),
            &Resource::builder_empty().build(),
        );
        let providers = Providers::starting(start_span, meter_provider.clone())
            .with_sampling_hint(hint)
            .with_propagation(self.propagation)
            .with_exemplars(exemplars)
            .with_scrape(Arc::new(text))
            .with_namespace(self.namespace)
            .with_sensitive(self.sensitive)
            .build();

        let records = Memory::default();
        let logger_provider = SdkLoggerProvider::builder()
            .with_log_processor(records.clone())
            .build();
        let lines = Memory::default();
        let sink = lines.clone();
        let dispatch = subscriber_for_tests(
            &tracer_provider,
            logger_provider.logger("telemetry-core"),
            move |line| sink.push(line.trim_end().to_owned()),
        );
        TestTelemetry {
            providers,
            dispatch,
            spans,
            open,
            reader,
            records,
            lines,
            clock: self.start.map(TestClock::new),
            _tracer_provider: tracer_provider,
            _meter_provider: meter_provider,
            _logger_provider: logger_provider,
        }
    }
}

/// The SDK's tracers, for the application's spans, and what starts ours.
fn record<S: ShouldSample + Clone + 'static>(
    sampler: S,
    ids: Option<SeededIds>,
    exporter: impl Processor + 'static,
    open: &OpenSpans,
) -> (SdkTracerProvider, providers::StartSpans) {
    // After the exporter: who waits for the end of a span finds it there.
    let processors = Processors::new(vec![Box::new(exporter), Box::new(open.clone())]);
    let provider = SdkTracerProvider::builder()
        .with_sampler(sampler.clone())
        .with_span_processor(processors.clone());
    let provider = match ids.clone() {
        Some(ids) => provider.with_id_generator(ids).build(),
        None => provider.build(),
    };
    let recorder = Arc::new(Recorder {
        sampler,
        ids: ids.map(|ids| Box::new(ids) as Box<dyn IdGenerator>),
        limits: SpanLimits::default(),
        processors,
    });
    (provider, Box::new(move |scope| recorder.scoped(scope)))
}

/// Lets tests that run side by side listen to the same events.
///
/// `tracing` remembers for each event whether anybody is interested. While there is one subscriber only, it asks the
/// thread that comes first, and if that one has none, nobody hears the event ever after. With two it asks all.
fn hear_all_events() {
    static KEPT: OnceLock<[Dispatch; 2]> = OnceLock::new();
    KEPT.get_or_init(|| std::array::from_fn(|_| Dispatch::new(tracing_subscriber::registry())));
}

#[cfg(test)]
mod tests;
