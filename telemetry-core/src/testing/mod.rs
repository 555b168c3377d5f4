//! Telemetry in memory, without globals: what instrumented code emitted, as text to compare with.
//!
//! ```
//! use telemetry_core::{opentelemetry::trace::{SpanKind, TraceContextExt}, testing::TestTelemetry};
//!
//! let telemetry = TestTelemetry::new();
//! let scope = telemetry_core::opentelemetry::InstrumentationScope::builder("shop").build();
//! let cx = telemetry.providers().tracer(scope).start(&Default::default(), "reserve", SpanKind::Internal, Vec::new);
//! cx.span().end();
//! assert_eq!(telemetry.tree(&[]), "INTERNAL reserve\n");
//! ```

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use opentelemetry::{
    Value,
    trace::{SpanId, SpanKind, Status, TraceId},
};
use opentelemetry_sdk::{
    Resource,
    metrics::SdkMeterProvider,
    trace::{
        InMemorySpanExporter, InMemorySpanExporterBuilder, Sampler, SdkTracerProvider,
        SimpleSpanProcessor, SpanData, TracerProviderBuilder,
    },
};
use tracing::Dispatch;

use crate::{
    Providers,
    exemplar::ExemplarStore,
    pipeline::{SamplerHandle, SamplerPolicy, SharedReader, TextExposition},
    scrape::ScrapeFormat,
    tracer::{Decides, LiveSamplingHint, SamplingHint},
};

/// Providers that keep everything in memory. Several can live side by side.
#[derive(Debug)]
pub struct TestTelemetry {
    providers: Providers,
    spans: InMemorySpanExporter,
    // Held so that spans are exported and metrics collected.
    _tracer_provider: SdkTracerProvider,
    _meter_provider: Arc<SdkMeterProvider>,
}

impl TestTelemetry {
    /// Every span is recorded, unless its parent was not.
    pub fn new() -> Self {
        Self::with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
    }

    /// With a sampler of the test's.
    pub fn with_sampler(sampler: Sampler) -> Self {
        let spans = InMemorySpanExporterBuilder::new().build();
        let provider = SdkTracerProvider::builder()
            .with_sampler(sampler)
            .with_simple_exporter(spans.clone());
        let hint = SamplingHint {
            reads_attributes: false,
            records_roots: true,
            records_unsampled: false,
            decides: Decides::All,
        };
        Self::with_provider(provider, spans, hint.into())
    }

    /// Samples as an application with this policy does, and hands back the sampler, to change it.
    pub fn with_policy(policy: SamplerPolicy) -> (Self, SamplerHandle) {
        let sampler = SamplerHandle::new(policy);
        (Self::with_handle(&sampler), sampler)
    }

    pub(crate) fn with_handle(sampler: &SamplerHandle) -> Self {
        let spans = InMemorySpanExporterBuilder::new().build();
        let exporter = SimpleSpanProcessor::new(spans.clone());
        let provider = SdkTracerProvider::builder()
            .with_sampler(sampler.sampler())
            .with_span_processor(sampler.keeper(exporter));
        Self::with_provider(provider, spans, sampler.hint())
    }

    fn with_provider(
        provider: TracerProviderBuilder,
        spans: InMemorySpanExporter,
        hint: LiveSamplingHint,
    ) -> Self {
        hear_all_events();
        let tracer_provider = provider.build();
        let reader = SharedReader::new();
        let meter_provider = Arc::new(
            SdkMeterProvider::builder()
                .with_reader(reader.clone())
                .build(),
        );
        let exemplars = Arc::new(ExemplarStore::default());
        let text = TextExposition::new(
            reader,
            exemplars.clone(),
            &Resource::builder_empty().build(),
        );
        let providers = Providers::builder(tracer_provider.clone(), meter_provider.clone())
            .with_sampling_hint(hint)
            .with_exemplars(exemplars)
            .with_scrape(Arc::new(text))
            .with_namespace("retail")
            .build();
        Self {
            providers,
            spans,
            _tracer_provider: tracer_provider,
            _meter_provider: meter_provider,
        }
    }

    /// What the code under test instruments with. The namespace is `retail`.
    pub fn providers(&self) -> &Providers {
        &self.providers
    }

    /// The spans that have ended, in the order they did.
    pub fn spans(&self) -> Vec<SpanData> {
        self.spans.get_finished_spans().unwrap_or_default()
    }

    /// The ended spans as an indented tree, one line a span: kind, name, the attributes asked for, `ERROR` and what
    /// the status says. Siblings stand in the order they started; a parent that has not ended makes its children roots.
    pub fn tree(&self, attributes: &[&str]) -> String {
        let spans = self.spans();
        let mut children = HashMap::<(TraceId, SpanId), Vec<&SpanData>>::new();
        for span in &spans {
            let trace = span.span_context.trace_id();
            let known = spans.iter().any(|other| {
                other.span_context.span_id() == span.parent_span_id
                    && other.span_context.trace_id() == trace
            });
            let parent = if known {
                (trace, span.parent_span_id)
            } else {
                (TraceId::INVALID, SpanId::INVALID)
            };
            children.entry(parent).or_default().push(span);
        }
        let mut text = String::new();
        write_children(
            &mut text,
            &mut children,
            (TraceId::INVALID, SpanId::INVALID),
            0,
            attributes,
        );
        text
    }

    /// The metrics as Prometheus text, without comments and scopes: `name{labels} value` a line, sorted.
    pub fn metrics(&self) -> String {
        let text = self
            .providers
            .scrape(ScrapeFormat::Prometheus)
            .unwrap_or_default();
        let mut lines: Vec<_> = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.starts_with("target_info"))
            .map(without_scope)
            .collect();
        lines.sort_unstable();
        lines.join("\n")
    }

    /// The value of one series of [`metrics`](Self::metrics), such as `retail_steps_total{retail_outcome="ok"}`.
    pub fn metric(&self, series: &str) -> Option<f64> {
        let metrics = self.metrics();
        let value = metrics
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        value.parse().ok()
    }
}

/// Lets tests that run side by side listen to the same events.
///
/// `tracing` remembers for each event whether anybody is interested. While there is one subscriber only, it asks the
/// thread that comes first, and if that one has none, nobody hears the event ever after. With two it asks all.
fn hear_all_events() {
    static KEPT: OnceLock<[Dispatch; 2]> = OnceLock::new();
    KEPT.get_or_init(|| std::array::from_fn(|_| Dispatch::new(tracing_subscriber::registry())));
}

impl Default for TestTelemetry {
    fn default() -> Self {
        Self::new()
    }
}

type Children<'a> = HashMap<(TraceId, SpanId), Vec<&'a SpanData>>;

fn write_children(
    text: &mut String,
    children: &mut Children<'_>,
    parent: (TraceId, SpanId),
    depth: usize,
    attributes: &[&str],
) {
    let Some(mut spans) = children.remove(&parent) else {
        return;
    };
    spans.sort_by_key(|span| span.start_time);
    for span in spans {
        text.push_str(&"  ".repeat(depth));
        text.push_str(&describe(span, attributes));
        text.push('\n');
        let own = (span.span_context.trace_id(), span.span_context.span_id());
        write_children(text, children, own, depth + 1, attributes);
    }
}

fn describe(span: &SpanData, attributes: &[&str]) -> String {
    let kind = match span.span_kind {
        SpanKind::Client => "CLIENT",
        SpanKind::Server => "SERVER",
        SpanKind::Producer => "PRODUCER",
        SpanKind::Consumer => "CONSUMER",
        SpanKind::Internal => "INTERNAL",
    };
    let mut line = format!("{kind} {}", span.name);
    for key in attributes {
        for attribute in span
            .attributes
            .iter()
            .filter(|attribute| attribute.key.as_str() == *key)
        {
            // Strings are quoted, so that a number as a string does not pass for a number.
            match &attribute.value {
                Value::String(text) => line.push_str(&format!(" {key}={:?}", text.as_str())),
                other => line.push_str(&format!(" {key}={other}")),
            }
        }
    }
    if let Status::Error { description } = &span.status {
        line.push_str(" ERROR");
        if !description.is_empty() {
            line.push_str(&format!(" ({description})"));
        }
    }
    line
}

fn without_scope(line: &str) -> String {
    let (Some(open), Some(close)) = (line.find('{'), line.rfind('}')) else {
        return line.to_owned();
    };
    let labels: Vec<_> = split_labels(&line[open + 1..close])
        .into_iter()
        .filter(|label| !label.starts_with("otel_scope_"))
        .collect();
    if labels.is_empty() {
        return format!("{}{}", &line[..open], &line[close + 1..]);
    }
    format!(
        "{}{{{}}}{}",
        &line[..open],
        labels.join(","),
        &line[close + 1..]
    )
}

/// Splits at commas that are not inside a quoted value.
fn split_labels(labels: &str) -> Vec<&str> {
    let mut quoted = false;
    let mut escaped = false;
    labels
        .split(move |c| {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => quoted = !quoted,
                _ => {}
            }
            c == ',' && !quoted
        })
        .collect()
}
