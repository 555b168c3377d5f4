//! The OpenTelemetry SDK as its own documentation sets it up, in the two versions that peers need.

use std::time::Duration;

/// So rarely that no collection falls into a measurement.
const INTERVAL: Duration = Duration::from_secs(3600);

macro_rules! sdk {
    ($module:ident, $api:ident, $sdk:ident) => {
        pub mod $module {
            use std::fmt::Write as _;

            use $api::{KeyValue, trace::Status};
            use $sdk::{
                error::OTelSdkResult,
                metrics::{
                    InMemoryMetricExporter, PeriodicReader, SdkMeterProvider,
                    data::{AggregatedMetrics, MetricData},
                },
                propagation::TraceContextPropagator,
                trace::{
                    BatchConfigBuilder, BatchSpanProcessor, InMemorySpanExporter, Sampler,
                    SdkTracerProvider, SpanData, SpanExporter,
                },
            };

            /// Takes batches and forgets them.
            #[derive(Debug)]
            struct NoExport;

            impl SpanExporter for NoExport {
                async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
                    drop(batch);
                    Ok(())
                }
            }

            /// Tracers and meters: the batch processor with an exporter that does nothing, or in memory.
            #[derive(Clone, Debug)]
            pub struct Sdk {
                pub tracers: SdkTracerProvider,
                pub meters: SdkMeterProvider,
                spans: InMemorySpanExporter,
                metrics: InMemoryMetricExporter,
            }

            impl Sdk {
                pub fn new(records: bool) -> Self {
                    let spans = InMemorySpanExporter::default();
                    let tracers = SdkTracerProvider::builder()
                        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)));
                    let tracers = if records {
                        tracers.with_simple_exporter(spans.clone())
                    } else {
                        tracers.with_span_processor(batching(NoExport))
                    };
                    let metrics = InMemoryMetricExporter::default();
                    let reader = PeriodicReader::builder(metrics.clone())
                        .with_interval(super::INTERVAL)
                        .build();
                    Self {
                        tracers: tracers.build(),
                        meters: SdkMeterProvider::builder().with_reader(reader).build(),
                        spans,
                        metrics,
                    }
                }

                /// With a provider of another exporter.
                #[allow(dead_code, reason = "the previous version exports nothing")]
                pub fn with_tracers(self, tracers: SdkTracerProvider) -> Self {
                    Self { tracers, ..self }
                }

                /// For what reads the globals.
                pub fn install(&self) {
                    $api::global::set_tracer_provider(self.tracers.clone());
                    $api::global::set_meter_provider(self.meters.clone());
                    $api::global::set_text_map_propagator(TraceContextPropagator::new());
                }

                /// The exported items, as text.
                pub fn recorded(&self) -> String {
                    let mut text = String::new();
                    for span in self.spans.get_finished_spans().unwrap_or_default() {
                        let _ = write!(text, "span {:?} {:?}:", span.span_kind, span.name);
                        if span.parent_span_id == $api::trace::SpanId::INVALID {
                            let _ = write!(text, " no parent;");
                        }
                        text.push_str(&attributes(span.attributes.iter(), true));
                        if span.status != Status::Unset {
                            let _ = write!(text, " status {:?}", span.status);
                        }
                        for event in span.events.iter() {
                            let _ = write!(text, " event {:?}", event.name);
                        }
                        text.push('\n');
                    }
                    let _ = self.meters.force_flush();
                    for resource in self.metrics.get_finished_metrics().unwrap_or_default() {
                        for metric in resource.scope_metrics().flat_map(|scope| scope.metrics()) {
                            let labels = match metric.data() {
                                AggregatedMetrics::F64(data) => labels(data),
                                AggregatedMetrics::I64(data) => labels(data),
                                AggregatedMetrics::U64(data) => labels(data),
                            };
                            let _ = writeln!(text, "metric {}:{labels}", metric.name());
                        }
                    }
                    text
                }
            }

            /// With room for a whole run, since nothing may be dropped while valgrind runs one thread at a time.
            pub fn batching(exporter: impl SpanExporter + 'static) -> BatchSpanProcessor {
                let config = BatchConfigBuilder::default()
                    .with_max_queue_size(1 << 17)
                    .build();
                BatchSpanProcessor::builder(exporter)
                    .with_batch_config(config)
                    .build()
            }

            fn labels<T>(data: &MetricData<T>) -> String {
                match data {
                    MetricData::Gauge(data) => data
                        .data_points()
                        .map(|point| attributes(point.attributes(), false))
                        .collect(),
                    MetricData::Sum(data) => data
                        .data_points()
                        .map(|point| attributes(point.attributes(), false))
                        .collect(),
                    MetricData::Histogram(data) => data
                        .data_points()
                        .map(|point| attributes(point.attributes(), false))
                        .collect(),
                    MetricData::ExponentialHistogram(data) => data
                        .data_points()
                        .map(|point| attributes(point.attributes(), false))
                        .collect(),
                }
            }

            /// Sorted, since a metric has no order; a span's strings quoted, as a number in a string is a finding.
            fn attributes<'a>(all: impl Iterator<Item = &'a KeyValue>, quoted: bool) -> String {
                let mut all: Vec<_> = all
                    .map(|attribute| match &attribute.value {
                        $api::Value::String(text) if quoted => {
                            format!(" {}={:?}", attribute.key, text.as_str())
                        }
                        value => format!(" {}={value}", attribute.key),
                    })
                    .collect();
                all.sort();
                all.concat()
            }
        }
    };
}

sdk!(current, opentelemetry, opentelemetry_sdk);
sdk!(previous, opentelemetry_032, opentelemetry_sdk_032);
