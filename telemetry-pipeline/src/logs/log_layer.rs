//! The `tracing` layer behind all log output.

use std::{
    cell::RefCell,
    sync::Arc,
    time::{Duration, SystemTime},
};

use opentelemetry_sdk::logs::SdkLogger;
use tracing::{
    Event, Subscriber,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, layer::Context as LayerContext, registry::LookupSpan};

use crate::logs::{
    LogSink,
    line::{Ids, Line},
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
    /// Whether lines have the fields of the spans around them.
    pub(crate) span_fields: bool,
}

impl LogOutput {
    pub(crate) fn log(&self, line: &Line<'_>) {
        self.write_line(line);
        if let Some(logger) = &self.otlp
            // What the SDK says while it takes a record must not become another.
            && !line.event.metadata().target().starts_with("opentelemetry")
            && !log_context::is_suppressed()
        {
            log_record::emit(logger, line);
        }
    }

    /// Waits until lines written so far have left the process, at most so long. Returns whether they have.
    pub(crate) fn flush(&self, bound: Duration) -> bool {
        self.sink.flush(bound)
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
        let spans = EventScope { event, cx };
        let metadata = event.metadata();
        // What OpenTelemetry says of the stack of contexts it says while it holds that stack: to look would panic.
        let unreadable =
            metadata.target() == "opentelemetry" && metadata.name().starts_with("Context.");
        let ids = match unreadable {
            false => log_context::with_current(Ids::of).unwrap_or_default(),
            true => Ids::default(),
        };
        self.0.log(&Line {
            event,
            severity: metadata.level().into(),
            now: SystemTime::now(),
            ids: &ids,
            source: None,
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
