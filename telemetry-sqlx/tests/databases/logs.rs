//! Log events as lines: level, ids of the context, message and fields. Also sqlx's own log of statements.

use std::{
    fmt::{Debug, Write},
    sync::{Arc, Mutex, Once},
};

use opentelemetry::{Context, trace::TraceContextExt};
use sqlx::AssertSqlSafe;
use tracing::{Event, field::Field, subscriber::DefaultGuard};
use tracing_subscriber::{Layer, layer::SubscriberExt, registry::LookupSpan};

#[derive(Clone, Default)]
pub(crate) struct Logs(Arc<Mutex<Vec<String>>>);

impl Logs {
    /// Collects the log events of this thread until the guard is dropped.
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

/// The log events of sqlx about one statement. Some drivers log on another thread, so this reads all threads.
pub(crate) struct StatementLog(String);

static STATEMENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl StatementLog {
    pub(crate) fn new() -> Self {
        static INSTALL: Once = Once::new();
        INSTALL.call_once(|| {
            let all = tracing_subscriber::registry().with(Statements);
            tracing::subscriber::set_global_default(all).unwrap();
        });
        Self(format!("SELECT 1 AS {}", crate::server::unique_name()))
    }

    /// A statement that no other test runs.
    pub(crate) fn statement(&self) -> AssertSqlSafe<String> {
        AssertSqlSafe(self.0.clone())
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// Waits until sqlx has logged the statement, which can be after its result arrived.
    pub(crate) async fn logged(&self) -> Vec<String> {
        for _ in 0..1_000 {
            let lines = self.lines();
            if !lines.is_empty() {
                return lines;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("sqlx has logged nothing of {}", self.0)
    }

    /// The log events about the statement.
    pub(crate) fn lines(&self) -> Vec<String> {
        let all = STATEMENTS.lock().unwrap();
        let lines = all.iter().filter(|line| line.contains(&self.0));
        lines.cloned().collect()
    }
}

struct Statements;

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        if event.metadata().target() != "sqlx::query" {
            return;
        }
        let mut line = String::new();
        event.record(&mut |field: &Field, value: &dyn Debug| {
            let _ = write!(line, " {}={value:?}", field.name());
        });
        STATEMENTS.lock().unwrap().push(line);
    }
}
