//! The moment at which an export loop has to end.

use std::{
    future,
    time::{Duration, Instant},
};

use tokio::sync::watch;

/// Set once, when shutdown begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) began: Instant,
    pub(crate) at: Instant,
}

/// When the loop has to end, once that is known.
#[derive(Clone)]
pub(crate) struct Deadline(watch::Receiver<Option<End>>);

impl Deadline {
    pub(crate) fn new() -> (watch::Sender<Option<End>>, Self) {
        let (sender, receiver) = watch::channel(None);
        (sender, Self(receiver))
    }

    pub(crate) fn passed(&self) -> bool {
        self.0.borrow().is_some_and(|end| Instant::now() >= end.at)
    }

    /// How long ago shutdown began; `None` if it has not.
    pub(crate) fn since(&self) -> Option<Duration> {
        self.0.borrow().map(|end| end.began.elapsed())
    }

    /// How long this leaves, at most the timeout.
    pub(crate) fn within(&self, timeout: Duration) -> Duration {
        match *self.0.borrow() {
            Some(end) => timeout.min(end.at.saturating_duration_since(Instant::now())),
            None => timeout,
        }
    }

    /// Waits for shutdown to begin; at once if it has.
    pub(crate) async fn set(&self) {
        if self.0.clone().wait_for(Option::is_some).await.is_err() {
            // The handle that sets it is gone.
            future::pending::<()>().await;
        }
    }

    /// Waits for shutdown to begin and the deadline to pass.
    pub(crate) async fn expired(&self) {
        let mut watch = self.0.clone();
        let end = match watch.wait_for(Option::is_some).await {
            Ok(end) => *end,
            // The handle that sets it is gone.
            Err(_) => None,
        };
        match end {
            Some(end) => tokio::time::sleep_until(end.at.into()).await,
            None => future::pending().await,
        }
    }
}
