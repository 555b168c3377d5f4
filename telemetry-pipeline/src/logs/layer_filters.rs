//! The filters of the two layers: which events become lines, and which `tracing` spans become OpenTelemetry spans.

use std::sync::Arc;

use arc_swap::ArcSwap;
use telemetry_api::instrument::carrier::is_carrier;
use tracing::{
    Metadata, Subscriber,
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use tracing_subscriber::layer::{Context as LayerContext, Filter};

use crate::logs::{directives::ActiveFilter, log_context};

/// Crates whose spans are the transport's own and would hang below every client span, or come from exporting.
const TRANSPORT: [&str; 8] = [
    "h2",
    "hyper",
    "hyper_rustls",
    "hyper_util",
    "reqwest",
    "rustls",
    "tonic",
    "tower",
];

/// The filters that apply now.
pub(crate) struct ActiveFilters {
    pub(crate) logs: ArcSwap<ActiveFilter>,
    pub(crate) spans: ArcSwap<ActiveFilter>,
    /// True if log lines have the fields of spans.
    pub(crate) span_fields: bool,
    /// True if the transport's log lines may pass.
    pub(crate) transport_logs: bool,
}

/// The filter of the log layer: events that the log filter lets pass and, if lines have their fields, spans.
pub(crate) struct LogFilter(pub(crate) Arc<ActiveFilters>);

/// The filter of the layer that makes OpenTelemetry spans: `tracing` spans that the span filter lets pass, none of the
/// transport and none of our own threads, whatever it says. Of events, those that tell of a failed function.
pub(crate) struct SpanFilter(pub(crate) Arc<ActiveFilters>);

impl LogFilter {
    /// Returns whether a line never passes, whatever else the filter says.
    fn excludes(&self, metadata: &Metadata<'_>) -> bool {
        is_carrier(metadata)
            || !self.0.transport_logs && is_transport(metadata) && metadata.is_event()
    }

    fn wants_span_fields(&self, metadata: &Metadata<'_>) -> bool {
        self.0.span_fields && metadata.is_span() && !is_transport(metadata)
    }
}

impl<S: Subscriber> Filter<S> for LogFilter {
    fn enabled(&self, metadata: &Metadata<'_>, cx: &LayerContext<'_, S>) -> bool {
        if self.excludes(metadata) {
            return false;
        }
        let logs = self.0.logs.load();
        logs.inner().enabled(metadata, cx.clone()) && !logs.mutes(metadata)
            || logs.passes_as_ours(metadata)
            || self.wants_span_fields(metadata)
                && self.0.spans.load().inner().enabled(metadata, cx.clone())
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.excludes(metadata) {
            return Interest::never();
        }
        let logs = self.0.logs.load();
        if logs.passes_as_ours(metadata) {
            return Interest::always();
        }
        if logs.mutes(metadata) {
            return Interest::never();
        }
        let interest = Filter::<S>::callsite_enabled(logs.inner(), metadata);
        if interest.is_never() && self.wants_span_fields(metadata) {
            Filter::<S>::callsite_enabled(self.0.spans.load().inner(), metadata)
        } else {
            interest
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let logs = self.0.logs.load();
        let logs = logs.max_level_hint()?;
        if self.0.span_fields {
            Some(logs.max(self.0.spans.load().inner().max_level_hint()?))
        } else {
            Some(logs)
        }
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: LayerContext<'_, S>) {
        self.0.logs.load().inner().on_new_span(attributes, id, cx);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: LayerContext<'_, S>) {
        self.0.logs.load().inner().on_record(id, values, cx);
    }

    fn on_enter(&self, id: &Id, cx: LayerContext<'_, S>) {
        self.0.logs.load().inner().on_enter(id, cx);
    }

    fn on_exit(&self, id: &Id, cx: LayerContext<'_, S>) {
        self.0.logs.load().inner().on_exit(id, cx);
    }

    fn on_close(&self, id: Id, cx: LayerContext<'_, S>) {
        self.0.logs.load().inner().on_close(id, cx);
    }
}

impl<S: Subscriber> Filter<S> for SpanFilter {
    fn enabled(&self, metadata: &Metadata<'_>, cx: &LayerContext<'_, S>) -> bool {
        (metadata.is_span() || is_failure(metadata))
            && !is_carrier(metadata)
            && !is_transport(metadata)
            && self.0.spans.load().inner().enabled(metadata, cx.clone())
            && !log_context::is_suppressed()
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        let is_heard = metadata.is_span() || is_failure(metadata);
        if !is_heard || is_carrier(metadata) || is_transport(metadata) {
            return Interest::never();
        }
        let interest = Filter::<S>::callsite_enabled(self.0.spans.load().inner(), metadata);
        if interest.is_always() {
            // It depends on the thread.
            Interest::sometimes()
        } else {
            interest
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.0.spans.load().inner().max_level_hint()
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: LayerContext<'_, S>) {
        self.0.spans.load().inner().on_new_span(attributes, id, cx);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: LayerContext<'_, S>) {
        self.0.spans.load().inner().on_record(id, values, cx);
    }

    fn on_enter(&self, id: &Id, cx: LayerContext<'_, S>) {
        self.0.spans.load().inner().on_enter(id, cx);
    }

    fn on_exit(&self, id: &Id, cx: LayerContext<'_, S>) {
        self.0.spans.load().inner().on_exit(id, cx);
    }

    fn on_close(&self, id: Id, cx: LayerContext<'_, S>) {
        self.0.spans.load().inner().on_close(id, cx);
    }
}

/// Returns whether an event is the one by which `#[instrument(err)]` tells of an `Err`: its only field is `error`.
fn is_failure(metadata: &Metadata<'_>) -> bool {
    let mut fields = metadata.fields().iter();
    metadata.is_event()
        && matches!((fields.next(), fields.next()), (Some(only), None) if only.name() == "error")
}

fn is_transport(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let krate = target.split("::").next().unwrap_or_default();
    TRANSPORT.contains(&krate) || krate.starts_with("opentelemetry")
}
