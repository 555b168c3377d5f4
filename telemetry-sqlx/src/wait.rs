//! Waiting for a connection, apart from the time the database takes; and how long it is then kept.

use std::{
    future::{Future, poll_fn},
    ops::Deref,
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use opentelemetry::{
    Context, KeyValue,
    trace::{SpanContext, SpanKind, Status, TraceContextExt},
};
use sqlx::{Error, pool::PoolConnection};
use telemetry_api::instrument::{
    Providers,
    tracer::{Tracer, is_recorded},
};

use crate::{
    database::{Backend, Errors, Facts},
    failure::{Failure, cancelled, description, panicked},
    metrics::scope,
    observer::{Observer, Ready},
    pool::Pool,
};

/// The name of the span of waiting for a connection.
const ACQUIRE: &str = "pool.acquire";

/// The name of the span of connecting a pool.
const CONNECT: &str = "pool.connect";

/// Whether all connections were in use, so that the wait was for one of them and not for a new one.
const FULL: &str = "sqlx.pool.full";

/// Takes a connection from the pool, counted and measured. If none is idle, waiting for one or opening one is a span.
/// The lease begins when there is a connection.
pub(crate) async fn acquire<'a, DB: Backend>(
    pool: &'a Pool<DB>,
    lease: &mut Lease<&'a Observer>,
) -> Result<PoolConnection<DB>, Error> {
    let observer = &*pool.observer;
    let Some(ready) = observed(observer) else {
        return pool.inner.acquire().await;
    };
    let pending = observer.pool.wait();
    let mut wait = if pool.inner.num_idle() == 0 {
        Wait::start(&ready.instruments.tracer, ACQUIRE, || {
            let mut all = observer.common.to_vec();
            let most = pool.inner.options().get_max_connections();
            all.push(KeyValue::new(FULL, pool.inner.size() >= most));
            all
        })
    } else {
        None
    };
    let started = Instant::now();
    let mut acquiring = pin!(pool.inner.acquire());
    let acquired = poll_fn(|cx| match &mut wait {
        Some(wait) => wait.poll(|| acquiring.as_mut().poll(cx)),
        None => acquiring.as_mut().poll(cx),
    })
    .await;
    let now = Instant::now();
    drop(pending);
    match &acquired {
        Ok(_) => {
            let waited = now - started;
            *lease = Lease::new(observer, now, waited);
            let waited = waited.as_secs_f64();
            let series = observer.waited(ready);
            match &wait {
                Some(wait) => series.record(waited, wait.cx.span().span_context()),
                None => series.record(waited, &SpanContext::NONE),
            }
        }
        Err(Error::PoolTimedOut) => {
            observer.pool.timeouts.fetch_add(1, Ordering::Relaxed);
        }
        Err(_) => {}
    }
    if let Some(wait) = wait {
        wait.end(acquired.as_ref().err(), observer.errors);
    }
    acquired
}

/// Connects a pool, as a span.
pub(crate) async fn connect<DB: Backend, T>(
    facts: &Facts,
    connecting: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let wait = Providers::current()
        .filter(|_| !Context::map_current(Context::is_telemetry_suppressed))
        .and_then(|providers| {
            let tracer = providers.tracer(scope());
            Wait::start(&tracer, CONNECT, || facts.attributes())
        });
    let Some(mut wait) = wait else {
        return connecting.await;
    };
    let mut connecting = pin!(connecting);
    let connected = poll_fn(|cx| wait.poll(|| connecting.as_mut().poll(cx))).await;
    wait.end(connected.as_ref().err(), Errors::of::<DB>());
    connected
}

/// Takes a connection if one is idle: no wait, and as such measured.
pub(crate) fn try_acquire<DB: Backend>(pool: &Pool<DB>) -> Option<(PoolConnection<DB>, Lease)> {
    let raw = pool.inner.try_acquire()?;
    let lease = observed(&pool.observer).map(|ready| {
        let series = pool.observer.waited(ready);
        series.record(0.0, &SpanContext::NONE);
        Lease::new(pool.observer.clone(), Instant::now(), Duration::ZERO)
    });
    Some((raw, lease.unwrap_or(Lease(None))))
}

/// `None` while there is no pipeline, and where telemetry is suppressed.
fn observed(observer: &Observer) -> Option<&Ready> {
    let ready = observer.ready()?;
    let suppressed = Context::map_current(Context::is_telemetry_suppressed);
    (!suppressed).then_some(ready)
}

/// A connection is out of the pool for as long as this lives.
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
    /// Of a connection taken at that time, after that long a wait.
    pub(crate) fn new(observer: O, at: Instant, waited: Duration) -> Self {
        Self(Some(Taken {
            observer,
            at,
            waited,
        }))
    }

    /// The connection went back at that time. Tells how long the wait for it and its use took together.
    pub(crate) fn end(&mut self, now: Instant) -> Option<Duration> {
        let taken = self.0.as_ref()?;
        let used = now - taken.at;
        let took = taken.waited + used;
        if let Some(ready) = taken.observer.ready() {
            let series = taken.observer.used(ready);
            series.record(used.as_secs_f64(), &SpanContext::NONE);
        }
        self.0 = None;
        Some(took)
    }
}

impl Lease<&Observer> {
    /// Of a connection still to be taken.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// For a connection that is out of sight from here on: nobody will know how long it is used.
    pub(crate) fn forget(mut self) {
        self.0 = None;
    }

    /// For a connection that outlives what it was taken from.
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

/// Ends its span exactly once, at the latest when dropped.
struct Wait {
    cx: Context,
    ended: bool,
    /// Still set when it is dropped if a poll did not return: connecting or a hook of the pool panicked.
    in_poll: bool,
}

impl Wait {
    #[cold]
    fn start(
        tracer: &Tracer,
        name: &'static str,
        attributes: impl FnOnce() -> Vec<KeyValue>,
    ) -> Option<Self> {
        let cx = Context::map_current(|parent| {
            let span = parent.span();
            // Part of a call that is not recorded: no sampler keeps the part without the whole.
            if span.span_context().is_valid() && !is_recorded(&span) {
                return None;
            }
            Some(tracer.start(parent, name, SpanKind::Internal, attributes))
        })?;
        Some(Self {
            cx,
            ended: false,
            in_poll: false,
        })
    }

    /// Makes the span current for one poll.
    fn poll<T>(&mut self, poll: impl FnOnce() -> T) -> T {
        self.in_poll = true;
        let attached = self.cx.clone().attach();
        let polled = poll();
        drop(attached);
        self.in_poll = false;
        polled
    }

    fn end(mut self, error: Option<&Error>, errors: Errors) {
        self.ended = true;
        let span = self.cx.span();
        if let Some(error) = error
            && let Some(failure) = Failure::of(error, errors)
            && is_recorded(&span)
        {
            span.set_attributes(failure.attributes());
            span.set_status(Status::error(description(error, errors)));
        }
        span.end();
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let span = self.cx.span();
        if self.in_poll {
            span.set_attribute(panicked());
            span.set_attributes(Failure::PANICKED.attributes());
            span.set_status(Status::error(""));
        } else {
            span.set_attribute(cancelled());
        }
        span.end();
    }
}
