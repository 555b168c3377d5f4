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
//! # }
//! ```
//!
//! Cost: a clone of the context (two reference counts) when wrapping, and attaching it on each poll.

use std::future::Future;

use opentelemetry::{
    Context,
    trace::{FutureExt as _, WithContext},
};

/// Futures that keep the context they were made in.
pub trait InCurrentContext: Future + Sized {
    /// Runs this future in the context that is current now: span, correlation id, principal and baggage, whoever
    /// polls it.
    ///
    /// The span of that context need not be open any more when the future runs: what it starts are still its children.
    fn in_current_context(self) -> WithContext<Self> {
        self.with_context(Context::current())
    }
}

impl<F: Future> InCurrentContext for F {}

/// A closure that runs in the context that is current now, for `spawn_blocking`, `std::thread::spawn` and thread pools.
pub fn in_current_context<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let cx = Context::current();
    move || {
        let _attached = cx.attach();
        work()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CorrelationId;

    fn correlated() -> Context {
        CorrelationId::parse("abc-123")
            .unwrap()
            .attach_to(&Context::new())
    }

    fn current() -> Option<String> {
        CorrelationId::current().map(|id| id.to_string())
    }

    #[tokio::test]
    async fn a_spawned_task_keeps_the_context_it_was_spawned_in() {
        let work = || async {
            tokio::task::yield_now().await;
            current()
        };
        let (kept, lost) = async {
            (
                tokio::spawn(work().in_current_context()),
                tokio::spawn(work()),
            )
        }
        .with_context(correlated())
        .await;
        assert_eq!(kept.await.unwrap().as_deref(), Some("abc-123"));
        assert_eq!(lost.await.unwrap(), None);
    }

    #[test]
    fn a_thread_keeps_the_context_and_leaves_none_behind() {
        let attached = correlated().attach();
        let work = in_current_context(current);
        drop(attached);
        let ids = std::thread::spawn(move || (work(), current()))
            .join()
            .unwrap();
        assert_eq!(ids, (Some("abc-123".to_owned()), None));
    }
}
