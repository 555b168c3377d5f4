//! The span and the metrics of one call of the database.

pub(crate) mod future;
pub(crate) mod rows;
mod slow_query;
pub(crate) mod stream;

use std::{
    mem,
    ops::Deref,
    sync::Arc,
    time::{Duration, Instant},
};

use opentelemetry::{
    Context, ContextGuard, KeyValue,
    trace::{SpanKind, SpanRef, Status, TraceContextExt},
};
use sqlx::Error;
use telemetry_api::instrument::tracer::is_recorded;
use telemetry_semconv::db::attribute;

use crate::{
    error_type::{SqlErrorType, status_description},
    metrics::operation::OperationLabels,
    observer::{Active, Observer},
    outcome,
    statement::Statement,
};
use rows::Rows;

/// One call of the database. It starts at its first poll and ends exactly once, at the latest when it is dropped. A call
/// that was never polled leaves neither a span nor a measurement.
#[derive(Debug)]
pub(crate) struct SqlCall<O: Deref<Target = Observer> = Arc<Observer>> {
    observer: O,
    statement: Arc<Statement>,
    parameterised: bool,
    state: State,
    rows: Rows,
    /// True while the caller waits for the database. Between two rows it does not wait, so dropping the call then is no
    /// cancellation.
    waiting: bool,
    /// True during a poll. If it is true when the call is dropped, the poll panicked.
    in_poll: bool,
}

#[derive(Debug)]
enum State {
    NotStarted,
    Started(Started),
    /// The call ended. Or it started where telemetry is suppressed, and is not recorded.
    Ended,
}

#[derive(Debug)]
struct Started {
    cx: Context,
    at: Instant,
    /// True if polls make the context current. A span that is not recorded, below a parent that is not recorded either,
    /// tells the code inside the call nothing that the parent does not.
    attach: bool,
}

impl<O: Deref<Target = Observer>> SqlCall<O> {
    /// A call that runs a statement. Returns `None` while there is no pipeline.
    pub(crate) fn new(observer: O, sql: &str, parameterised: bool) -> Option<Self> {
        observer.active()?;
        let statement = observer.statements.get(sql, &observer.options.facts);
        Some(Self {
            observer,
            statement,
            parameterised,
            state: State::NotStarted,
            rows: Rows::Unknown,
            waiting: false,
            in_poll: false,
        })
    }

    /// A call that prepares a statement. Returns `None` while there is no pipeline.
    pub(crate) fn prepare(observer: O, sql: &str) -> Option<Self> {
        let mut call = Self::new(observer, sql, false)?;
        let facts = &call.observer.options.facts;
        call.statement = Arc::new(call.statement.preparation(facts));
        Some(call)
    }

    /// Records a call whose duration is not known: a child span of `parent` without length and with this attribute, and
    /// no measurement.
    pub(crate) fn record_without_duration(self, parent: &Context, reason: KeyValue) {
        let Some(started) = self.start(parent) else {
            return;
        };
        let span = started.cx.span();
        if is_recorded(&span) {
            span.set_attribute(reason);
            span.end();
        }
    }

    /// Starts the span. Returns `None` where telemetry is suppressed.
    #[inline]
    fn start(&self, parent: &Context) -> Option<Started> {
        if parent.is_telemetry_suppressed() {
            return None;
        }
        let active = self.observer.active()?;
        let (observer, statement) = (&*self.observer, &*self.statement);
        Some(Started::new(
            observer,
            active,
            statement,
            self.parameterised,
            parent,
        ))
    }

    /// Begins a poll, and makes the span current until the guard is dropped. Starts the call at the first poll.
    #[inline]
    fn enter(&mut self) -> Option<ContextGuard> {
        self.waiting = true;
        self.in_poll = true;
        if let State::NotStarted = self.state {
            Context::map_current(|parent| {
                self.state = self.start(parent).map_or(State::Ended, State::Started);
            });
        }
        match &self.state {
            State::Started(started) if started.attach => Some(started.cx.clone().attach()),
            _ => None,
        }
    }

    /// Ends a poll that returned.
    fn leave(&mut self) {
        self.in_poll = false;
    }

    /// The time since the start.
    fn elapsed(&self, now: Instant) -> Duration {
        match &self.state {
            State::Started(started) => now - started.at,
            _ => Duration::ZERO,
        }
    }

    fn finish(&mut self, error: Option<&Error>, took: Duration) {
        if matches!(error, Some(Error::RowNotFound)) {
            self.rows = Rows::Returned(0);
        }
        let error_type = error.and_then(|error| SqlErrorType::of(error, self.observer.errors));
        self.end(error_type.as_ref(), error, took);
    }

    fn end(&mut self, error_type: Option<&SqlErrorType>, error: Option<&Error>, took: Duration) {
        // Taken first: if the code below panics, the drop must not end the call again.
        let state = mem::replace(&mut self.state, State::Ended);
        let State::Started(Started { cx, attach, .. }) = state else {
            return;
        };
        let span = cx.span();
        let threshold = self.observer.options.slow_threshold;
        if threshold.is_some_and(|threshold| took >= threshold) {
            span.set_attribute(slow_query::attribute());
            let rows = self.rows.shown(self.statement.changes_rows);
            slow_query::warn(&cx, &self.statement, took, rows, error_type);
        }
        if is_recorded(&span) {
            self.describe(&span, error_type, error);
        }
        self.measure(error_type, took, &span);
        // `attach` is false only for a span that is not recorded. Its end has no effect.
        if attach {
            span.end();
        }
    }

    /// Sets the attributes and the status that are known at the end.
    fn describe(
        &self,
        span: &SpanRef<'_>,
        error_type: Option<&SqlErrorType>,
        error: Option<&Error>,
    ) {
        if let Some(rows) = self.rows.attribute(self.statement.changes_rows) {
            span.set_attribute(rows);
        }
        if let Some(error_type) = error_type {
            span.set_attributes(error_type.attributes());
            let description = error.map(|error| status_description(error, self.observer.errors));
            span.set_status(Status::error(description.unwrap_or_default()));
        }
    }

    /// Records the metrics.
    fn measure(&self, error_type: Option<&SqlErrorType>, took: Duration, span: &SpanRef<'_>) {
        let Some(active) = self.observer.active() else {
            return;
        };
        let find = || {
            active.instruments.operations.series(&OperationLabels {
                common: self.observer.common.clone(),
                summary: self.statement.summary.clone(),
                error: error_type.cloned(),
            })
        };
        let failures;
        let series = match error_type {
            None => self.statement.successes.get_or_init(find),
            Some(_) => {
                failures = find();
                &failures
            }
        };
        let returned = self.rows.returned();
        let returned = returned.filter(|_| self.observer.options.returned_rows);
        series.record(took.as_secs_f64(), returned, span.span_context());
    }
}

impl Started {
    fn new(
        observer: &Observer,
        active: &Active,
        statement: &Statement,
        parameterised: bool,
        parent: &Context,
    ) -> Self {
        let attributes = || {
            // Capacity for those set at the end: rows, slow query, error type, status code.
            let mut all = Vec::with_capacity(observer.common.len() + 6);
            all.extend_from_slice(&observer.common);
            let summary = statement.summary.clone();
            all.extend(summary.map(|summary| KeyValue::new(attribute::DB_QUERY_SUMMARY, summary)));
            let text = statement.query_text(parameterised);
            all.push(KeyValue::new(attribute::DB_QUERY_TEXT, text));
            all
        };
        let name = statement.span_name.clone();
        let tracer = &active.instruments.tracer;
        let cx = tracer.start(parent, name, SpanKind::Client, attributes);
        let above = parent.span();
        let attach =
            is_recorded(&cx.span()) || is_recorded(&above) || !above.span_context().is_valid();
        Self {
            cx,
            at: Instant::now(),
            attach,
        }
    }
}

impl<O: Deref<Target = Observer>> Drop for SqlCall<O> {
    fn drop(&mut self) {
        let State::Started(started) = &self.state else {
            return;
        };
        let span = started.cx.span();
        if self.in_poll {
            span.set_attribute(outcome::panicked());
        } else if self.waiting {
            span.set_attribute(outcome::cancelled());
        }
        let took = self.elapsed(Instant::now());
        let error_type = self.in_poll.then_some(&SqlErrorType::PANIC);
        self.end(error_type, None, took);
    }
}
