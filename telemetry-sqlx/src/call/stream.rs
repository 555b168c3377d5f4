//! A call whose rows are a stream.

use std::{
    ops::Deref,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use futures_core::Stream;
use pin_project_lite::pin_project;
use sqlx::{Either, Error};

use super::{SqlCall, rows::Rows};
use crate::observer::Observer;

pin_project! {
    /// Runs a stream as a call, which ends with the stream. `call` is `None` while there is no pipeline.
    pub(crate) struct CallStream<S, O: Deref<Target = Observer>> {
        #[pin]
        stream: S,
        call: Option<SqlCall<O>>,
    }
}

impl<S, O: Deref<Target = Observer>> CallStream<S, O> {
    pub(crate) fn new(mut call: Option<SqlCall<O>>, stream: S) -> Self {
        if let Some(call) = &mut call {
            call.rows = Rows::Returned(0);
        }
        Self { stream, call }
    }
}

impl<S, D, R, O> Stream for CallStream<S, O>
where
    S: Stream<Item = Result<Either<D, R>, Error>>,
    O: Deref<Target = Observer>,
{
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let attached = this.call.as_mut().and_then(SqlCall::enter);
        let polled = this.stream.poll_next(cx);
        drop(attached);
        this.call.as_mut().map(SqlCall::leave);
        let item = ready!(polled);
        let error = match &item {
            Some(Ok(step)) => {
                if let Some(call) = this.call {
                    call.waiting = false;
                    if let Rows::Returned(rows) = &mut call.rows {
                        *rows += i64::from(step.is_right());
                    }
                }
                return Poll::Ready(item);
            }
            Some(Err(error)) => Some(error),
            None => None,
        };
        if let Some(mut call) = this.call.take() {
            call.finish(error, call.elapsed(Instant::now()));
        }
        Poll::Ready(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}
