//! A stream written as an async block.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use futures_core::{Stream, future::BoxFuture};

/// Yields what an async block hands to its [`Yielder`], then the block's error if it has one.
///
/// Rows borrow the connection they come from; a block can own both, a struct without unsafe code cannot.
pub(crate) struct Generator<'e, T, E> {
    block: Option<BoxFuture<'e, Result<(), E>>>,
    slot: Arc<Slot<T>>,
}

/// Hands items to the consumer of a [`Generator`].
pub(crate) struct Yielder<T>(Arc<Slot<T>>);

type Slot<T> = Mutex<Option<T>>;

impl<'e, T, E> Generator<'e, T, E> {
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
        // No wake-up is needed: the consumer sees the item at once and polls again when it wants more.
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

impl<T, E> Stream for Generator<'_, T, E> {
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
