//! The span of one call: begins when first polled, ends exactly once.

use std::{
    future::Future,
    mem,
    ops::Deref,
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll, ready},
    time::{Duration, Instant},
};

use futures_core::Stream;
use opentelemetry::{
    Context, ContextGuard, KeyValue,
    trace::{SpanKind, Status, TraceContextExt},
};
use pin_project_lite::pin_project;
use sqlx::{Either, Error};
use telemetry_api::instrument::tracer::is_recorded;
use telemetry_semconv::db::attribute;

use crate::{
    failure::{Failure, cancelled, description, panicked},
    observer::{Observer, Ready},
    slow,
    statement::Statement,
    wait::Lease,
};

/// The convention has no name for the number of rows a statement changed.
const AFFECTED_ROWS: &str = "sqlx.rows_affected";

/// One call of the database. Ends at the latest when dropped; one that was never polled leaves no trace.
#[derive(Debug)]
pub(crate) struct Call<O: Deref<Target = Observer> = Arc<Observer>> {
    observer: O,
    statement: Arc<Statement>,
    parameterised: bool,
    state: State,
    rows: Rows,
    /// The caller waits for the database. Between two rows it does not, so then dropping is not giving up.
    waiting: bool,
    /// Still set when it is dropped if a poll did not return: the driver panicked, whoever caught it.
    in_poll: bool,
}

/// What is known about the rows of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    /// Nothing, or there are none by its nature.
    Unknown,
    /// Handed to the caller.
    Returned(i64),
    /// Changed in the database.
    Affected(i64),
}

impl Rows {
    fn attribute(self, statement: &Statement) -> Option<KeyValue> {
        match self {
            Self::Returned(rows) => Some(KeyValue::new(attribute::DB_RESPONSE_RETURNED_ROWS, rows)),
            Self::Affected(rows) if statement.changes_rows => {
                Some(KeyValue::new(AFFECTED_ROWS, rows))
            }
            _ => None,
        }
    }

    fn returned(self) -> Option<i64> {
        match self {
            Self::Returned(rows) => Some(rows),
            _ => None,
        }
    }
}

#[derive(Debug)]
enum State {
    ToCome,
    Running(Running),
    /// Ended, or not to be recorded because telemetry is suppressed where it began.
    Over,
}

#[derive(Debug)]
struct Running {
    cx: Context,
    started: Instant,
    /// Whether the context is made current. One that records nothing, under a parent that does not either, tells those
    /// below nothing that the parent does not.
    attach: bool,
}

impl<O: Deref<Target = Observer>> Call<O> {
    /// A call to come; `None` while there is no pipeline.
    pub(crate) fn new(observer: O, sql: &str, parameterised: bool) -> Option<Self> {
        observer.ready()?;
        let statement = observer.statements.get(sql, &observer.settings.facts);
        Some(Self::of(observer, statement, parameterised))
    }

    /// A call that prepares a statement.
    pub(crate) fn prepare(observer: O, sql: &str) -> Option<Self> {
        let mut call = Self::new(observer, sql, false)?;
        let facts = &call.observer.settings.facts;
        call.statement = Arc::new(call.statement.preparation(facts));
        Some(call)
    }

    fn of(observer: O, statement: Arc<Statement>, parameterised: bool) -> Self {
        Self {
            observer,
            statement,
            parameterised,
            state: State::ToCome,
            rows: Rows::Unknown,
            waiting: false,
            in_poll: false,
        }
    }

    /// Records a call whose duration cannot be seen, as part of this context: a span of no length with this attribute,
    /// and no measurement.
    pub(crate) fn mark(self, parent: &Context, reason: KeyValue) {
        let Some(running) = self.start(parent) else {
            return;
        };
        let span = running.cx.span();
        if is_recorded(&span) {
            span.set_attribute(reason);
            span.end();
        }
    }

    /// Starts the span; `None` where telemetry is suppressed.
    #[inline]
    fn start(&self, parent: &Context) -> Option<Running> {
        if parent.is_telemetry_suppressed() {
            return None;
        }
        let ready = self.observer.ready()?;
        let (observer, statement) = (&*self.observer, &*self.statement);
        Some(Running::start(
            observer,
            ready,
            statement,
            self.parameterised,
            parent,
        ))
    }

    /// Makes the span current for one poll.
    #[inline]
    fn enter(&mut self) -> Option<ContextGuard> {
        self.waiting = true;
        self.in_poll = true;
        if let State::ToCome = self.state {
            Context::map_current(|parent| {
                self.state = self.start(parent).map_or(State::Over, State::Running);
            });
        }
        match &self.state {
            State::Running(running) if running.attach => Some(running.cx.clone().attach()),
            _ => None,
        }
    }

    /// A poll has returned.
    fn leave(&mut self) {
        self.in_poll = false;
    }

    /// How long it has lasted.
    fn lasted(&self, now: Instant) -> Duration {
        match &self.state {
            State::Running(running) => now - running.started,
            _ => Duration::ZERO,
        }
    }

    fn finish(&mut self, error: Option<&Error>, took: Duration) {
        if matches!(error, Some(Error::RowNotFound)) {
            self.rows = Rows::Returned(0);
        }
        let failure = error.and_then(|error| Failure::of(error, self.observer.errors));
        self.end(failure, error, took);
    }

    fn end(&mut self, failure: Option<Failure>, error: Option<&Error>, took: Duration) {
        // Taken first: if anything here panics, the drop must not end it once more.
        let state = mem::replace(&mut self.state, State::Over);
        let (State::Running(Running { cx, attach, .. }), Some(ready)) =
            (state, self.observer.ready())
        else {
            return;
        };
        let settings = &self.observer.settings;
        let span = cx.span();
        if settings.slow.is_some_and(|threshold| took >= threshold) {
            span.set_attribute(KeyValue::new(slow::ATTRIBUTE, true));
            let rows = self.rows.attribute(&self.statement);
            slow::warn(&cx, &self.statement, took, rows.as_ref(), failure.as_ref());
        }
        if is_recorded(&span) {
            if let Some(rows) = self.rows.attribute(&self.statement) {
                span.set_attribute(rows);
            }
            if let Some(failure) = &failure {
                span.set_attributes(failure.attributes());
                span.set_status(Status::error(
                    error
                        .map(|error| description(error, self.observer.errors))
                        .unwrap_or_default(),
                ));
            }
        }
        let returned = if settings.returned_rows {
            self.rows.returned()
        } else {
            None
        };
        ready.instruments.record(
            &self.observer,
            &self.statement,
            failure.as_ref(),
            returned,
            took.as_secs_f64(),
            span.span_context(),
        );
        // Nobody is told of the end of one that records nothing.
        if attach {
            span.end();
        }
    }
}

impl Running {
    fn start(
        observer: &Observer,
        ready: &Ready,
        statement: &Statement,
        parameterised: bool,
        parent: &Context,
    ) -> Self {
        let attributes = || {
            // Room for what the end adds: rows, slow, error type and code.
            let mut all = Vec::with_capacity(observer.common.len() + 6);
            all.extend_from_slice(&observer.common);
            let summary = statement.summary.clone();
            all.extend(summary.map(|summary| KeyValue::new(attribute::DB_QUERY_SUMMARY, summary)));
            let text = statement.text(parameterised);
            all.push(KeyValue::new(attribute::DB_QUERY_TEXT, text));
            all
        };
        let name = statement.name.clone();
        let tracer = &ready.instruments.tracer;
        let cx = tracer.start(parent, name, SpanKind::Client, attributes);
        let above = parent.span();
        let attach =
            is_recorded(&cx.span()) || is_recorded(&above) || !above.span_context().is_valid();
        Self {
            cx,
            started: Instant::now(),
            attach,
        }
    }
}

impl<O: Deref<Target = Observer>> Drop for Call<O> {
    fn drop(&mut self) {
        let State::Running(running) = &self.state else {
            return;
        };
        let span = running.cx.span();
        if self.in_poll {
            span.set_attribute(panicked());
        } else if self.waiting {
            span.set_attribute(cancelled());
        }
        let took = self.lasted(Instant::now());
        self.end(self.in_poll.then_some(Failure::PANICKED), None, took);
    }
}

/// What a call comes to: a result, or one with the use of the connection it was given, which ends with the call.
pub(crate) trait Outcome<T> {
    /// Ends the use of the connection. Tells how long the call took, if that is known.
    fn end(&mut self, now: Instant) -> Option<Duration>;

    fn result(&self) -> &Result<T, Error>;

    fn into_result(self) -> Result<T, Error>;
}

impl<T> Outcome<T> for Result<T, Error> {
    fn end(&mut self, _: Instant) -> Option<Duration> {
        None
    }

    fn result(&self) -> &Self {
        self
    }

    fn into_result(self) -> Self {
        self
    }
}

impl<T, O: Deref<Target = Observer>> Outcome<T> for (Result<T, Error>, Lease<O>) {
    fn end(&mut self, now: Instant) -> Option<Duration> {
        self.1.end(now)
    }

    fn result(&self) -> &Result<T, Error> {
        &self.0
    }

    fn into_result(self) -> Result<T, Error> {
        self.0
    }
}

pin_project! {
    /// A call with one result.
    pub(crate) struct Observed<F, T, O: Deref<Target = Observer>> {
        #[pin]
        future: F,
        call: Option<Call<O>>,
        rows: fn(&T) -> Rows,
    }
}

impl<F, T, O: Deref<Target = Observer>> Observed<F, T, O> {
    /// `rows` tells what a result says about rows.
    pub(crate) fn new(call: Option<Call<O>>, future: F, rows: fn(&T) -> Rows) -> Self {
        Self { future, call, rows }
    }
}

impl<F, T, O> Future for Observed<F, T, O>
where
    F: Future<Output: Outcome<T>>,
    O: Deref<Target = Observer>,
{
    type Output = Result<T, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let attached = this.call.as_mut().and_then(Call::enter);
        let polled = this.future.poll(cx);
        drop(attached);
        this.call.as_mut().map(Call::leave);
        let mut output = ready!(polled);
        if let Some(call) = this.call {
            let now = Instant::now();
            let took = output.end(now).unwrap_or_else(|| call.lasted(now));
            let result = output.result();
            if let Ok(value) = result {
                call.rows = (this.rows)(value);
            }
            call.finish(result.as_ref().err(), took);
        }
        Poll::Ready(output.into_result())
    }
}

pin_project! {
    /// A call whose rows are handed out one by one.
    pub(crate) struct ObservedStream<S, O: Deref<Target = Observer>> {
        #[pin]
        stream: S,
        call: Option<Call<O>>,
    }
}

impl<S, O: Deref<Target = Observer>> ObservedStream<S, O> {
    pub(crate) fn new(mut call: Option<Call<O>>, stream: S) -> Self {
        if let Some(call) = &mut call {
            call.rows = Rows::Returned(0);
        }
        Self { stream, call }
    }
}

impl<S, D, R, O> Stream for ObservedStream<S, O>
where
    S: Stream<Item = Result<Either<D, R>, Error>>,
    O: Deref<Target = Observer>,
{
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let attached = this.call.as_mut().and_then(Call::enter);
        let polled = this.stream.poll_next(cx);
        drop(attached);
        this.call.as_mut().map(Call::leave);
        let item = ready!(polled);
        match &item {
            Some(Ok(step)) => {
                if let Some(call) = this.call {
                    call.waiting = false;
                    if let Rows::Returned(rows) = &mut call.rows {
                        *rows += i64::from(step.is_right());
                    }
                }
            }
            Some(Err(error)) => {
                if let Some(mut call) = this.call.take() {
                    call.finish(Some(error), call.lasted(Instant::now()));
                }
            }
            None => {
                if let Some(mut call) = this.call.take() {
                    call.finish(None, call.lasted(Instant::now()));
                }
            }
        }
        Poll::Ready(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}
