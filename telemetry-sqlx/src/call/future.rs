//! A call with one result.

use std::{
    future::Future,
    ops::Deref,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use pin_project_lite::pin_project;
use sqlx::Error;

use super::{SqlCall, rows::Rows};
use crate::observer::Observer;

/// The output of a call: its result, perhaps with the lease of a connection, which ends with the call.
pub(crate) trait CallOutput<T> {
    /// Ends the lease. Returns the duration of the call if the lease knows it.
    fn end(&mut self, now: Instant) -> Option<Duration>;

    fn result(&self) -> &Result<T, Error>;

    fn into_result(self) -> Result<T, Error>;
}

impl<T> CallOutput<T> for Result<T, Error> {
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

pin_project! {
    /// Runs a future as a call. `call` is `None` while there is no pipeline.
    pub(crate) struct CallFuture<F, T, O: Deref<Target = Observer> = Arc<Observer>> {
        #[pin]
        future: F,
        call: Option<SqlCall<O>>,
        rows: fn(&T) -> Rows,
    }
}

impl<F, T, O: Deref<Target = Observer>> CallFuture<F, T, O> {
    /// `rows` reads the number of rows from a successful result.
    pub(crate) fn new(call: Option<SqlCall<O>>, future: F, rows: fn(&T) -> Rows) -> Self {
        Self { future, call, rows }
    }
}

impl<F, T, O> Future for CallFuture<F, T, O>
where
    F: Future<Output: CallOutput<T>>,
    O: Deref<Target = Observer>,
{
    type Output = Result<T, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let attached = this.call.as_mut().and_then(SqlCall::enter);
        let polled = this.future.poll(cx);
        drop(attached);
        this.call.as_mut().map(SqlCall::leave);
        let mut output = ready!(polled);
        if let Some(call) = this.call {
            let now = Instant::now();
            let took = output.end(now).unwrap_or_else(|| call.elapsed(now));
            let result = output.result();
            if let Ok(value) = result {
                call.rows = (this.rows)(value);
            }
            call.finish(result.as_ref().err(), took);
        }
        Poll::Ready(output.into_result())
    }
}
