//! The span of one call: begins when first polled, ends exactly once.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll, ready},
    time::Instant,
};

use futures_core::Stream;
use opentelemetry::{
    Context, ContextGuard, KeyValue,
    trace::{SpanKind, Status, TraceContextExt},
};
use pin_project_lite::pin_project;
use sqlx::{Either, Error};
use telemetry_core::semconv_db::attribute;

use crate::{
    failure::{Failure, cancelled, description},
    observer::Observer,
    statement::Statement,
};

/// One call of the database. Ends at the latest when dropped; one that was never polled leaves no trace.
#[derive(Debug)]
pub(crate) struct Call {
    observer: Arc<Observer>,
    statement: Arc<Statement>,
    parameterised: bool,
    running: Option<Running>,
    rows: Option<i64>,
    /// The caller waits for the database. Between two rows it does not, so then dropping is not giving up.
    waiting: bool,
    /// Still set when it is dropped if a poll did not return: the driver panicked, whoever caught it.
    in_poll: bool,
}

#[derive(Debug)]
struct Running {
    cx: Context,
    started: Instant,
}

impl Call {
    /// A call to come; `None` while there is no pipeline.
    pub(crate) fn new(observer: &Arc<Observer>, sql: &str, parameterised: bool) -> Option<Self> {
        observer.instruments.get()?;
        let statement = observer.statements.get(sql, &observer.facts);
        Some(Self::of(observer, statement, parameterised))
    }

    /// A call that prepares a statement.
    pub(crate) fn prepare(observer: &Arc<Observer>, sql: &str) -> Option<Self> {
        let call = Self::new(observer, sql, false)?;
        let statement = Arc::new(call.statement.preparation(&observer.facts));
        Some(Self::of(observer, statement, false))
    }

    fn of(observer: &Arc<Observer>, statement: Arc<Statement>, parameterised: bool) -> Self {
        Self {
            observer: observer.clone(),
            statement,
            parameterised,
            running: None,
            rows: None,
            waiting: false,
            in_poll: false,
        }
    }

    /// Records a call whose duration cannot be seen: a span of no length with this attribute, and no measurement.
    pub(crate) fn mark(mut self, reason: KeyValue) {
        let Some(instruments) = self.observer.instruments.get() else {
            return;
        };
        let running = Running::start(
            &self.observer,
            instruments,
            &self.statement,
            self.parameterised,
        );
        let span = running.cx.span();
        span.set_attribute(reason);
        span.end();
        self.running = None;
    }

    /// Makes the span current for one poll.
    fn enter(&mut self) -> Option<ContextGuard> {
        self.waiting = true;
        self.in_poll = true;
        if self.running.is_none() {
            let instruments = self.observer.instruments.get()?;
            self.running = Some(Running::start(
                &self.observer,
                instruments,
                &self.statement,
                self.parameterised,
            ));
        }
        self.running
            .as_ref()
            .map(|running| running.cx.clone().attach())
    }

    /// A poll has returned.
    fn leave(&mut self) {
        self.in_poll = false;
    }

    fn finish(mut self, error: Option<&Error>) {
        self.end(error.and_then(Failure::of), error);
    }

    fn end(&mut self, failure: Option<Failure>, error: Option<&Error>) {
        let Some(Running { cx, started }) = self.running.take() else {
            return;
        };
        let Some(instruments) = self.observer.instruments.get() else {
            return;
        };
        let span = cx.span();
        if telemetry_core::tracer::is_recorded(&span) {
            if let Some(rows) = self.rows {
                span.set_attribute(KeyValue::new(attribute::DB_RESPONSE_RETURNED_ROWS, rows));
            }
            if let Some(failure) = &failure {
                span.set_attributes(failure.attributes());
                let safe_message = self.observer.safe_message;
                span.set_status(Status::error(
                    error
                        .map(|error| description(error, safe_message))
                        .unwrap_or_default(),
                ));
            }
        }
        let seconds = started.elapsed().as_secs_f64();
        instruments.record(
            &self.observer.common,
            &self.statement,
            failure.as_ref(),
            seconds,
            span.span_context(),
        );
        span.end();
    }
}

impl Running {
    fn start(
        observer: &Observer,
        instruments: &crate::metrics::Instruments,
        statement: &Statement,
        parameterised: bool,
    ) -> Self {
        let cx = Context::map_current(|parent| {
            instruments
                .tracer
                .start(parent, statement.name.clone(), SpanKind::Client, || {
                    // Room for what the end adds: rows, or error type and code.
                    let mut all = Vec::with_capacity(observer.common.len() + 5);
                    all.extend_from_slice(&observer.common);
                    let summary = statement.summary.clone();
                    all.extend(
                        summary.map(|summary| KeyValue::new(attribute::DB_QUERY_SUMMARY, summary)),
                    );
                    all.push(KeyValue::new(
                        attribute::DB_QUERY_TEXT,
                        statement.text(parameterised),
                    ));
                    all
                })
        });
        Self {
            cx,
            started: Instant::now(),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Some(running) = &self.running
            && self.waiting
            && !self.in_poll
        {
            running.cx.span().set_attribute(cancelled());
        }
        self.end(self.in_poll.then_some(Failure::PANICKED), None);
    }
}

pin_project! {
    /// A call with one result.
    pub(crate) struct Observed<F, T> {
        #[pin]
        future: F,
        call: Option<Call>,
        rows: fn(&T) -> Option<i64>,
    }
}

impl<F, T> Observed<F, T> {
    /// `rows` tells how many rows a result holds, `None` if it holds none by its nature.
    pub(crate) fn new(call: Option<Call>, future: F, rows: fn(&T) -> Option<i64>) -> Self {
        Self { future, call, rows }
    }
}

impl<F, T> Future for Observed<F, T>
where
    F: Future<Output = Result<T, Error>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let attached = this.call.as_mut().and_then(Call::enter);
        let polled = this.future.poll(cx);
        drop(attached);
        this.call.as_mut().map(Call::leave);
        let output = ready!(polled);
        if let Some(mut call) = this.call.take() {
            call.rows = output.as_ref().ok().and_then(this.rows);
            call.finish(output.as_ref().err());
        }
        Poll::Ready(output)
    }
}

pin_project! {
    /// A call whose rows are handed out one by one.
    pub(crate) struct ObservedStream<S> {
        #[pin]
        stream: S,
        call: Option<Call>,
    }
}

impl<S> ObservedStream<S> {
    pub(crate) fn new(mut call: Option<Call>, stream: S) -> Self {
        if let Some(call) = &mut call {
            call.rows = Some(0);
        }
        Self { stream, call }
    }
}

impl<S, D, R> Stream for ObservedStream<S>
where
    S: Stream<Item = Result<Either<D, R>, Error>>,
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
                    call.rows = call.rows.map(|rows| rows + i64::from(step.is_right()));
                }
            }
            Some(Err(error)) => {
                if let Some(call) = this.call.take() {
                    call.finish(Some(error));
                }
            }
            None => {
                if let Some(call) = this.call.take() {
                    call.finish(None);
                }
            }
        }
        Poll::Ready(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}
