//! The `tracing` layer behind all log output.

use std::{
    cell::RefCell,
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

use opentelemetry::Context;
use opentelemetry_sdk::logs::SdkLogger;
use tracing::{
    Dispatch, Event, Subscriber,
    dispatcher::WeakDispatch,
    span::{Attributes, Id, Record},
};
use tracing_log::NormalizeEvent as _;
use tracing_opentelemetry::get_otel_context;
use tracing_subscriber::{Layer, layer::Context as LayerContext, registry::LookupSpan};

use crate::logs::{
    LogSink,
    line::{Ids, Line, is_log_record},
    log_context,
    log_format::Form,
    log_record,
    span_fields::{SpanFields, SurroundingSpans},
};

/// Lines longer than this are rare; a buffer that has grown further is not kept.
const MAX_KEPT_BUFFER: usize = 16 * 1024;

thread_local! {
    static BUFFER: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Where all that is logged ends up: events by way of the layer, panics by the hook.
#[derive(Debug)]
pub(crate) struct LogOutput {
    pub(crate) form: Form,
    pub(crate) sink: LogSink,
    pub(crate) otlp: Option<SdkLogger>,
    /// True if lines have the fields of the spans around them.
    pub(crate) span_fields: bool,
    /// The prefix of business attributes.
    pub(crate) prefix: String,
    /// The subscriber that this belongs to, for the contexts of its spans.
    pub(crate) dispatch: OnceLock<WeakDispatch>,
}

impl LogOutput {
    pub(crate) fn log(&self, line: &Line<'_>) {
        self.write_line(line);
        if let Some(logger) = &self.otlp
            // A line of the SDK about taking a record must not become another record.
            && !line.target.starts_with("opentelemetry")
            && !log_context::is_suppressed()
        {
            log_record::emit(logger, line, &self.prefix);
        }
    }

    /// Waits until lines written so far have left the process, at most so long. Returns whether they have.
    pub(crate) fn flush(&self, bound: Duration) -> bool {
        self.sink.flush(bound)
    }

    /// The subscriber that this belongs to.
    pub(crate) fn belong_to(&self, dispatch: &Dispatch) {
        let _ = self.dispatch.set(dispatch.downgrade());
    }

    /// The context of a span, or of the nearest span around it that is recorded. Without any it is empty.
    fn context_of<S>(&self, span: Option<&Id>, cx: &LayerContext<'_, S>) -> Context
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let dispatch = self.dispatch.get().and_then(WeakDispatch::upgrade);
        let scope = span.and_then(|id| cx.span_scope(id));
        let mut spans = scope.into_iter().flatten();
        dispatch
            .and_then(|dispatch| spans.find_map(|span| get_otel_context(&span.id(), &dispatch)))
            .unwrap_or_default()
    }

    fn write_line(&self, line: &Line<'_>) {
        let written = BUFFER.try_with(|buffer| {
            let Ok(mut text) = buffer.try_borrow_mut() else {
                return false;
            };
            text.clear();
            self.form.write(&mut text, line);
            self.sink.write(&text);
            if text.capacity() > MAX_KEPT_BUFFER {
                *text = String::new();
            }
            true
        });
        // An event logged while a field of another is formatted finds the buffer taken, and one logged while the
        // thread ends finds none.
        if !matches!(written, Ok(true)) {
            let mut text = String::new();
            self.form.write(&mut text, line);
            self.sink.write(&text);
        }
    }
}

#[derive(Debug)]
pub(crate) struct LogLayer(pub(crate) Arc<LogOutput>);

impl<S> Layer<S> for LogLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: LayerContext<'_, S>) {
        if !self.0.span_fields {
            return;
        }
        let metadata = attributes.metadata();
        let fields = SpanFields::format(&self.0.form, metadata, |visitor| {
            attributes.record(visitor);
        });
        if !fields.is_empty()
            && let Some(span) = cx.span(id)
        {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: LayerContext<'_, S>) {
        let Some(span) = cx.span(id).filter(|_| self.0.span_fields) else {
            return;
        };
        // Formatted before the lock is taken: a value may log.
        let later = SpanFields::format(&self.0.form, span.metadata(), |visitor| {
            values.record(visitor);
        });
        let mut extensions = span.extensions_mut();
        match extensions.get_mut::<SpanFields>() {
            Some(fields) => fields.update(&later),
            None => extensions.insert(later),
        }
    }

    fn on_event(&self, event: &Event<'_>, cx: LayerContext<'_, S>) {
        let metadata = event.metadata();
        // Records of the `log` crate share callsites: what tells them apart is in their fields.
        let record = match is_log_record(metadata) {
            true => event.normalized_metadata(),
            false => None,
        };
        let shown = record.as_ref().unwrap_or(metadata);
        // A named parent decides, and not the current context.
        let named = (!event.is_contextual()).then(|| self.0.context_of(event.parent(), &cx));
        let _named = named
            .filter(|_| log_context::is_readable())
            .map(Context::attach);
        // OpenTelemetry holds its stack of contexts while it logs about it. Reading the context then would panic.
        let unreadable =
            metadata.target() == "opentelemetry" && metadata.name().starts_with("Context.");
        let ids = match unreadable {
            false => log_context::with_current(Ids::of).unwrap_or_default(),
            true => Ids::default(),
        };
        let spans = EventScope { event, cx };
        self.0.log(&Line {
            event,
            target: shown.target(),
            severity: metadata.level().into(),
            now: SystemTime::now(),
            ids: &ids,
            source: record
                .as_ref()
                .and_then(|record| record.file().zip(record.line())),
            spans: self
                .0
                .span_fields
                .then_some(&spans as &dyn SurroundingSpans),
        });
    }
}

struct EventScope<'a, S> {
    event: &'a Event<'a>,
    cx: LayerContext<'a, S>,
}

impl<S> SurroundingSpans for EventScope<'_, S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn each(&self, visit: &mut dyn FnMut(&SpanFields)) {
        for span in self.cx.event_scope(self.event).into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<SpanFields>() {
                visit(fields);
            }
        }
    }
}
