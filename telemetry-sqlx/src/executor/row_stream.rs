//! A stream that is written as an async block.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use futures_core::{Stream, future::BoxFuture};

/// Yields the items that an async block hands to its [`Yielder`], and then the error of the block if it has one.
///
/// Rows borrow their connection. An async block can own both, and a struct without unsafe code cannot.
pub(crate) struct RowStream<'e, T, E> {
    block: Option<BoxFuture<'e, Result<(), E>>>,
    slot: Arc<Slot<T>>,
}

/// Hands items to the consumer of a [`RowStream`].
pub(crate) struct Yielder<T>(Arc<Slot<T>>);

type Slot<T> = Mutex<Option<T>>;

impl<'e, T, E> RowStream<'e, T, E> {
    pub(crate) fn new<F>(block: impl FnOnce(Yielder<T>) -> F) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'e,
    {
        let slot = Arc::new(Mutex::new(None));
        Self {
            block: Some(Box::pin(block(Yielder(slot.clone())))),
            slot,
        }
    }
}

impl<T> Yielder<T> {
    /// Hands over an item and waits until the consumer asks for the next.
    pub(crate) async fn hand(&self, item: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(item);
        let mut handed = false;
        // This future needs no wake-up: the consumer takes the item in the same poll, and polls again for the next.
        poll_fn(|_| {
            if std::mem::replace(&mut handed, true) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

impl<T, E> Stream for RowStream<'_, T, E> {
    type Item = Result<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(block) = &mut self.block else {
            return Poll::Ready(None);
        };
        if let Poll::Ready(end) = block.as_mut().poll(cx) {
            self.block = None;
            return Poll::Ready(end.err().map(Err));
        }
        match self
            .slot
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            Some(item) => Poll::Ready(Some(Ok(item))),
            None => Poll::Pending,
        }
    }
}
