//! The telemetry of one test.

use std::time::Duration;

use opentelemetry_sdk::{
    logs::{SdkLogRecord, SdkLoggerProvider},
    trace::{Sampler, SdkTracerProvider, SpanData},
};
use tracing::Dispatch;

use crate::{
    SamplerHandle, SamplerPolicy,
    metrics::{guarded_meters::GuardedMeters, metric_reader::SharedReader},
    testing::{
        memory::Memory, open_spans::OpenSpans, scrape_lines, span_tree, test_clock::TestClock,
        test_telemetry_builder::TestTelemetryBuilder,
    },
};
use telemetry_api::instrument::{
    providers::{self, Providers},
    scrape::ScrapeFormat,
};

/// How long [`TestTelemetry::wait_for_spans`] waits.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Providers and a `tracing` subscriber that keep everything in memory. Several can live side by side, so tests can run
/// in parallel. Clones are handles on the same telemetry.
#[derive(Clone, Debug)]
pub struct TestTelemetry {
    pub(super) providers: Providers,
    pub(super) dispatch: Dispatch,
    pub(super) spans: Memory<SpanData>,
    pub(super) open: OpenSpans,
    pub(super) reader: SharedReader,
    pub(super) records: Memory<SdkLogRecord>,
    pub(super) lines: Memory<String>,
    pub(super) clock: Option<TestClock>,
    // Held so that spans and records are exported and metrics collected.
    pub(super) _tracer_provider: SdkTracerProvider,
    pub(super) _meter_provider: GuardedMeters,
    pub(super) _logger_provider: SdkLoggerProvider,
}

impl TestTelemetry {
    /// Every span is recorded, unless its parent was not. The namespace is `retail`, ids are random, time is real.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// With choices; finish with [`build`](TestTelemetryBuilder::build).
    pub fn builder() -> TestTelemetryBuilder {
        TestTelemetryBuilder::new()
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
        Self::builder().with_sampler_handle(sampler).build()
    }

    /// The providers for the code under test: `TelemetryLayer::new().with_providers(telemetry.providers().clone())`.
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
    pub(super) fn recorded(&self) -> Vec<SpanData> {
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

    pub(super) async fn wait_within(&self, count: usize, patience: Duration) -> Vec<SpanData> {
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
        span_tree::render(&self.recorded(), span_tree::Shown::Only(attributes), &[])
    }

    /// The metrics as Prometheus text, without comments and scopes: `name{labels} value` a line, sorted.
    pub fn metrics(&self) -> String {
        let text = self.providers.scrape(ScrapeFormat::Prometheus);
        scrape_lines::metrics(&text.unwrap_or_default())
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

    /// The end of a failure message: the tree, with these spans marked, and the spans that have not ended.
    pub(super) fn what_there_is(&self, marked: &[opentelemetry::trace::SpanId]) -> String {
        let mut text = match self.recorded() {
            spans if spans.is_empty() => "no span has ended\n".to_owned(),
            spans => format!(
                "the spans that ended:\n{}",
                span_tree::render(&spans, span_tree::Shown::All, marked)
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
