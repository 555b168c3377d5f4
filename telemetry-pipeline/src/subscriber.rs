//! The `tracing` subscriber: log lines, and the application's own spans.

use std::sync::Arc;

use opentelemetry::{InstrumentationScope, trace::TracerProvider as _};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Dispatch;
#[cfg(feature = "testing")]
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::{Layer, Registry, layer::SubscriberExt};

use crate::logs::{FilterHandle, LogLayer, LogOutput};

/// The subscriber of a pipeline. Without `spans` it records no spans.
pub(crate) fn subscriber(
    spans: Option<&SdkTracerProvider>,
    output: Arc<LogOutput>,
    filters: &FilterHandle,
) -> Dispatch {
    let spans =
        spans.map(|provider| spans_of_the_application(provider).with_filter(filters.of_spans()));
    let logs = LogLayer(output).with_filter(filters.of_logs());
    let dispatch = Dispatch::new(Registry::default().with(spans).with(logs));
    filters.belong_to(&dispatch);
    dispatch
}

/// A subscriber for tests: all events as JSON lines to a sink and as records to a logger, and the application's spans.
#[cfg(feature = "testing")]
pub(crate) fn subscriber_for_tests(
    spans: &SdkTracerProvider,
    logger: opentelemetry_sdk::logs::SdkLogger,
    sink: impl Fn(&str) + Send + Sync + 'static,
) -> Dispatch {
    let output = Arc::new(LogOutput {
        form: crate::logs::Form::new(crate::LogFormat::Json, "test", ""),
        sink: crate::logs::LogSink::new(sink),
        otlp: Some(logger),
        span_fields: false,
    });
    let filters = FilterHandle::new("trace", "info", None, false);
    let spans = spans_of_the_application(spans).with_filter(filters.of_spans());
    let events = filter_fn(|metadata| metadata.is_event() && !crate::logs::is_transport(metadata));
    let logs = LogLayer(output).with_filter(events);
    Dispatch::new(Registry::default().with(spans).with(logs))
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
}
