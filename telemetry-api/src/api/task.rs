//! Work that leaves the current task or thread and keeps its context.
//!
//! A spawned task starts with an empty context: its spans would begin a new trace, and its logs would have no ids.
//! These helpers wrap the work, not the spawning, so they fit every runtime, `JoinSet`, `spawn_blocking` and
//! `std::thread` alike and need no dependency on any:
//!
//! ```
//! use telemetry_api::task::{InCurrentContext as _, in_current_context};
//!
//! # async fn notify() {}
//! # fn resize() {}
//! # async fn example() {
//! tokio::spawn(notify().in_current_context());
//! tokio::task::spawn_blocking(in_current_context(resize));
//!
//! let mut set = tokio::task::JoinSet::new();
//! set.spawn(notify().in_current_context());
//! # }
//! ```
//!
//! Work that stays in its task keeps the context without any help: `.await`, `select!`, `join!`, timeouts.
//!
//! Cost: a clone of the context (two reference counts) when wrapping, and attaching it on each poll.

use std::{
    future::Future,
    pin::Pin,
    task::{Context as TaskContext, Poll, ready},
};

use futures_core::Stream;
use opentelemetry::Context;
use pin_project_lite::pin_project;

use crate::instrument::context;

pin_project! {
    /// A future, or stream, that works in a context of its own. If it is dropped before its end, it is dropped in that
    /// context: logs, spawned work and rollbacks of its values then belong to the same request.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct InContext<T> {
        // None when it has ended.
        #[pin]
        inner: Option<T>,
        cx: Context,
    }

    impl<T> PinnedDrop for InContext<T> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.inner.is_some() {
                let _attached = context::attach(this.cx.clone());
                this.inner.set(None);
            }
        }
    }
}

impl<T> InContext<T> {
    pub(crate) fn new(inner: T, cx: Context) -> Self {
        Self {
            inner: Some(inner),
            cx,
        }
    }
}

impl<T: Future> Future for InContext<T> {
    type Output = T::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        let _attached = context::attach(this.cx.clone());
        let output = ready!(inner.poll(cx));
        this.inner.set(None);
        Poll::Ready(output)
    }
}

impl<T: Stream> Stream for InContext<T> {
    type Item = T::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let _attached = context::attach(this.cx.clone());
        let item = ready!(inner.poll_next(cx));
        if item.is_none() {
            this.inner.set(None);
        }
        Poll::Ready(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.as_ref().map_or((0, Some(0)), Stream::size_hint)
    }
}

/// Futures and streams that keep the context they were made in.
pub trait InCurrentContext: Sized {
    /// Runs this future, or stream, in the context that is current now: span, correlation id, principal and baggage. It
    /// makes no difference which task polls it.
    ///
    /// The span of that context may have ended when the future runs: spans of the future are still its children.
    fn in_current_context(self) -> InContext<Self> {
        InContext::new(self, context::current())
    }
}

impl<T> InCurrentContext for T {}

/// A closure that runs in the context that is current now, for `spawn_blocking`, `std::thread::spawn` and thread pools.
pub fn in_current_context<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let cx = context::current();
    move || {
        let _attached = context::attach(cx);
        work()
    }
}

/// [`in_current_context`] for a closure that is called again and again, on any thread: for rayon's iterators,
/// callbacks and timers.
///
/// ```
/// use telemetry_api::task::each_in_current_context;
///
/// let resize = each_in_current_context(|page: u32| page * 2);
/// let pages: Vec<_> = [1, 2, 3].into_iter().map(resize).collect();
/// assert_eq!(pages, [2, 4, 6]);
/// ```
///
/// Cost: attaching the context and two reference counts on each call.
pub fn each_in_current_context<A, T>(work: impl Fn(A) -> T) -> impl Fn(A) -> T {
    let cx = context::current();
    move |argument| {
        let _attached = context::attach(cx.clone());
        work(argument)
    }
}

/// Like [`in_current_context`] for a closure that is called later, with an argument, and answers a future: both the closure
/// and the future run in the context that is current now.
///
/// It is for callbacks that a library runs in a task of its own, such as the one of a WebSocket's `on_upgrade`. Called in the
/// handler, it keeps the context of the handshake:
///
/// ```
/// use telemetry_api::task::callback_in_current_context;
///
/// # struct Socket;
/// # struct Upgrade;
/// # impl Upgrade { fn on_upgrade<F: Future>(self, run: impl FnOnce(Socket) -> F) { let _ = run(Socket); } }
/// # async fn chat(_: Socket) {}
/// fn handler(upgrade: Upgrade) {
///     upgrade.on_upgrade(callback_in_current_context(|socket| chat(socket)))
/// }
/// # handler(Upgrade);
/// ```
///
/// [`in_current_context`](InCurrentContext::in_current_context) inside of such a closure has no effect: the closure itself runs
/// outside of the handler.
pub fn callback_in_current_context<A, F: Future>(
    callback: impl FnOnce(A) -> F,
) -> impl FnOnce(A) -> InContext<F> {
    let cx = context::current();
    move |argument| {
        let future = {
            let _attached = context::attach(cx.clone());
            callback(argument)
        };
        InContext::new(future, cx)
    }
}
