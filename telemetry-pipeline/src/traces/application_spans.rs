//! The application's own `tracing` spans as OpenTelemetry spans, by `tracing-opentelemetry`.
//!
//! That bridge has no visitor for unsigned and 128-bit integers, which it writes as text, and it panics with a formatter
//! that fails. So fields of these kinds are handed to it one by one, each as a value that it takes well.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{Status, TraceContextExt as _, TracerProvider as _},
};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::{
    Event, Subscriber,
    dispatcher::WeakDispatch,
    field::{self, Field, Value, Visit},
    span::{Attributes, Id, Record},
};
use tracing_opentelemetry::{OpenTelemetryLayer, get_otel_context};
use tracing_subscriber::{Layer, layer::Context as LayerContext, registry::LookupSpan};

use crate::guarded_format::{self, Guarded, GuardedError};
use telemetry_api::instrument::{pipeline::is_new_error, redaction::Redaction};

/// The subscriber that a layer belongs to. It is known once the subscriber is built.
pub(crate) type OwnSubscriber = Arc<OnceLock<WeakDispatch>>;

/// The layer that makes a span for each `tracing` span, as a child of the current context.
pub(crate) struct ApplicationSpans<S> {
    bridge: OpenTelemetryLayer<S, SdkTracer>,
    subscriber: OwnSubscriber,
}

impl<S> ApplicationSpans<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    pub(crate) fn new(provider: &SdkTracerProvider, subscriber: OwnSubscriber) -> Self {
        Self {
            bridge: bridge(provider),
            subscriber,
        }
    }
}

/// The bridge. Location, threads, target and idle times are left out, because they cost more than the span.
///
/// A subscriber needs one that hears nothing: by its type `OpenTelemetrySpanExt` finds the spans of
/// [`ApplicationSpans`], which cannot show its own bridge without unsafe code.
pub(crate) fn bridge<S>(provider: &SdkTracerProvider) -> OpenTelemetryLayer<S, SdkTracer>
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

impl<S> Layer<S> for ApplicationSpans<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: LayerContext<'_, S>) {
        if takes_well(|visitor| attributes.record(visitor)) {
            return self.bridge.on_new_span(attributes, id, cx);
        }
        let metadata = attributes.metadata();
        let none: [(&Field, Option<&dyn Value>); 0] = [];
        let none = metadata.fields().value_set(&none);
        let bare = match attributes.parent() {
            Some(parent) => Attributes::child_of(parent.clone(), metadata, &none),
            None if attributes.is_root() => Attributes::new_root(metadata, &none),
            None => Attributes::new(metadata, &none),
        };
        self.bridge.on_new_span(&bare, id, cx.clone());
        attributes.record(&mut OneByOne {
            spans: self,
            id,
            cx,
        });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: LayerContext<'_, S>) {
        if takes_well(|visitor| values.record(visitor)) {
            return self.bridge.on_record(id, values, cx);
        }
        values.record(&mut OneByOne {
            spans: self,
            id,
            cx,
        });
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, cx: LayerContext<'_, S>) {
        self.bridge.on_follows_from(id, follows, cx);
    }

    fn on_enter(&self, id: &Id, cx: LayerContext<'_, S>) {
        self.bridge.on_enter(id, cx);
    }

    fn on_exit(&self, id: &Id, cx: LayerContext<'_, S>) {
        self.bridge.on_exit(id, cx);
    }

    fn on_close(&self, id: Id, cx: LayerContext<'_, S>) {
        self.bridge.on_close(id, cx);
    }

    /// The filter lets only one kind of event through: `#[instrument(err)]` tells of an `Err`. The span failed, and the error is
    /// recorded once in its trace.
    fn on_event(&self, event: &Event<'_>, cx: LayerContext<'_, S>) {
        let span = cx.event_span(event);
        let subscriber = self.subscriber.get().and_then(WeakDispatch::upgrade);
        let (Some(span), Some(subscriber)) = (span, subscriber) else {
            return;
        };
        let mut error = ErrorText(String::new());
        event.record(&mut error);
        let error = Redaction::current().error(&error.0).into_owned();
        if let Some(context) = get_otel_context(&span.id(), &subscriber) {
            let span = context.span();
            if is_new_error(span.span_context(), &[&error]) {
                let message = KeyValue::new("exception.message", error.clone());
                span.add_event("exception", vec![message]);
            }
            span.set_status(Status::error(error));
        }
    }
}

/// Returns whether all values are of kinds that the bridge takes well.
fn takes_well(record: impl FnOnce(&mut dyn Visit)) -> bool {
    let mut kinds = Kinds { all_well: true };
    record(&mut kinds);
    kinds.all_well
}

struct Kinds {
    all_well: bool,
}

impl Visit for Kinds {
    fn record_f64(&mut self, _: &Field, _: f64) {}

    fn record_i64(&mut self, _: &Field, _: i64) {}

    fn record_bool(&mut self, _: &Field, _: bool) {}

    fn record_str(&mut self, _: &Field, _: &str) {}

    // All other kinds come here unless they have a method of their own.
    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {
        self.all_well = false;
    }
}

/// Hands each value to the bridge by itself.
struct OneByOne<'a, S> {
    spans: &'a ApplicationSpans<S>,
    id: &'a Id,
    cx: LayerContext<'a, S>,
}

impl<S> OneByOne<'_, S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn pass(&self, field: &Field, value: &dyn Value) {
        let metadata = self.cx.metadata(self.id);
        if let Some(metadata) = metadata {
            let values = [(field, Some(value))];
            let values = metadata.fields().value_set(&values);
            let record = Record::new(&values);
            self.spans
                .bridge
                .on_record(self.id, &record, self.cx.clone());
        }
    }

    /// An integer as one, or as digits where OpenTelemetry has none of its size.
    fn integer(&self, field: &Field, value: Option<i64>, digits: impl FnOnce() -> String) {
        match value {
            Some(value) => self.pass(field, &value),
            None => self.pass(field, &digits().as_str()),
        }
    }
}

impl<S> Visit for OneByOne<'_, S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.pass(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.pass(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.integer(field, value.try_into().ok(), || value.to_string());
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.integer(field, value.try_into().ok(), || value.to_string());
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.integer(field, value.try_into().ok(), || value.to_string());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.pass(field, &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.pass(field, &value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let guarded = GuardedError::new(value);
        let error: &(dyn std::error::Error + 'static) = &guarded;
        self.pass(field, &error);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.pass(field, &field::debug(Guarded(value)));
    }
}

struct ErrorText(String);

impl Visit for ErrorText {
    fn record_debug(&mut self, _: &Field, value: &dyn fmt::Debug) {
        self.0 = guarded_format::to_text(format_args!("{value:?}"));
    }

    fn record_str(&mut self, _: &Field, value: &str) {
        self.0 = value.to_owned();
    }
}

impl<S> fmt::Debug for ApplicationSpans<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApplicationSpans").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
