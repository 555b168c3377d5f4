//! The application's own `tracing` spans as OpenTelemetry spans.

use opentelemetry::{InstrumentationScope, trace::TracerProvider as _};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing_subscriber::{Layer, registry::LookupSpan};

/// The layer that makes a span for each `tracing` span, as a child of the current context. Location, threads, target and
/// idle times are left out, because they cost more than the span.
pub(crate) fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let scope = InstrumentationScope::builder("tracing").build();
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer_with_scope(scope))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
}
