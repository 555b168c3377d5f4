//! Logs as lines: level, ids of the context, message and fields.

use std::{
    fmt::{Debug, Write},
    sync::{Arc, Mutex},
};

use opentelemetry::{Context, trace::TraceContextExt};
use tracing::{Event, field::Field, subscriber::DefaultGuard};
use tracing_subscriber::{Layer, layer::SubscriberExt, registry::LookupSpan};

#[derive(Clone, Default)]
pub(crate) struct Logs(Arc<Mutex<Vec<String>>>);

impl Logs {
    /// Collects what this thread logs until the guard is dropped.
    pub(crate) fn install(&self) -> DefaultGuard {
        tracing::subscriber::set_default(tracing_subscriber::registry().with(self.clone()))
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Logs {
    fn on_event(&self, event: &Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        if event.metadata().target() != "telemetry_sqlx::slow_query" {
            return;
        }
        let cx = Context::current();
        let span = cx.span();
        let span = span.span_context();
        let mut line = format!(
            "{} {} {}",
            event.metadata().level(),
            span.trace_id(),
            span.span_id()
        );
        event.record(&mut |field: &Field, value: &dyn Debug| {
            let _ = write!(line, " {}={value:?}", field.name());
        });
        // Strings are shown with their quotes.
        self.0.lock().unwrap().push(line.replace('"', ""));
    }
}
