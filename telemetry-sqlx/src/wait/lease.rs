//! The time for which a connection is out of the pool.

use std::{
    ops::Deref,
    sync::Arc,
    time::{Duration, Instant},
};

use opentelemetry::trace::SpanContext;
use sqlx::Error;

use crate::{call::future::CallOutput, observer::Observer};

/// A connection is out of the pool while this lives. Records `db.client.connection.use_time` at its end.
#[must_use]
#[derive(Debug)]
pub(crate) struct Lease<O: Deref<Target = Observer> = Arc<Observer>>(Option<Taken<O>>);

#[derive(Debug)]
struct Taken<O> {
    observer: O,
    at: Instant,
    waited: Duration,
}

impl<O: Deref<Target = Observer>> Lease<O> {
    /// The lease of a connection that was taken at this time, after such a wait.
    pub(crate) fn new(observer: O, at: Instant, waited: Duration) -> Self {
        Self(Some(Taken {
            observer,
            at,
            waited,
        }))
    }

    /// A lease that records nothing: the connection is not taken yet, or not recorded.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Ends the lease at this time. Returns the duration of the wait and the use together.
    fn end(&mut self, now: Instant) -> Option<Duration> {
        let taken = self.0.as_ref()?;
        let used = now - taken.at;
        let took = taken.waited + used;
        if let Some(active) = taken.observer.active() {
            let series = taken.observer.use_time(active);
            series.record(used.as_secs_f64(), &SpanContext::NONE);
        }
        self.0 = None;
        Some(took)
    }
}

impl Lease<&Observer> {
    /// Ends without a measurement. For a connection that is handed out as sqlx's own type: its return is not seen.
    pub(crate) fn forget(mut self) {
        self.0 = None;
    }

    /// For a connection that lives longer than the borrow of its pool.
    pub(crate) fn into_owned(mut self, observer: &Arc<Observer>) -> Lease {
        Lease(self.0.take().map(|taken| Taken {
            observer: observer.clone(),
            at: taken.at,
            waited: taken.waited,
        }))
    }
}

impl<O: Deref<Target = Observer>> Drop for Lease<O> {
    fn drop(&mut self) {
        if self.0.is_some() {
            self.end(Instant::now());
        }
    }
}

impl<T, O: Deref<Target = Observer>> CallOutput<T> for (Result<T, Error>, Lease<O>) {
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
