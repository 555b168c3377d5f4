//! Work that leaves the current task or thread and keeps its context.
//!
//! A spawned task starts with an empty context: its spans would begin a new trace, and its logs would have no ids.
//! These helpers wrap the work, not the spawning, so they fit every runtime, `JoinSet`, `spawn_blocking` and
//! `std::thread` alike and need no dependency on any:
//!
//! ```
//! use telemetry_core::task::{InCurrentContext as _, in_current_context};
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
//! What stays in its task keeps the context without any help: `.await`, `select!`, `join!`, timeouts.
//!
//! Cost: a clone of the context (two reference counts) when wrapping, and attaching it on each poll.

use opentelemetry::{
    Context,
    trace::{FutureExt as _, WithContext},
};

/// Futures and streams that keep the context they were made in.
pub trait InCurrentContext: Sized {
    /// Runs this future, or stream, in the context that is current now: span, correlation id, principal and baggage,
    /// whoever polls it.
    ///
    /// The span of that context need not be open any more when the future runs: what it starts are still its children.
    fn in_current_context(self) -> WithContext<Self> {
        self.with_context(Context::current())
    }
}

impl<T> InCurrentContext for T {}

/// A closure that runs in the context that is current now, for `spawn_blocking`, `std::thread::spawn` and thread pools.
pub fn in_current_context<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let cx = Context::current();
    move || {
        let _attached = cx.attach();
        work()
    }
}

/// [`in_current_context`] for a closure that is called again and again, on any thread: for rayon's iterators,
/// callbacks and timers.
///
/// ```
/// use telemetry_core::task::each_in_current_context;
///
/// let resize = each_in_current_context(|page: u32| page * 2);
/// let pages: Vec<_> = [1, 2, 3].into_iter().map(resize).collect();
/// assert_eq!(pages, [2, 4, 6]);
/// ```
///
/// Cost: attaching the context and two reference counts on each call.
pub fn each_in_current_context<A, T>(work: impl Fn(A) -> T) -> impl Fn(A) -> T {
    let cx = Context::current();
    move |argument| {
        let _attached = cx.clone().attach();
        work(argument)
    }
}

#[cfg(test)]
mod tests;
