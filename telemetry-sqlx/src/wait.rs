//! Takes connections from a pool, and measures the wait for each and its use.

pub(crate) mod lease;
mod wait_span;

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use opentelemetry::{Context, KeyValue, trace::SpanContext};
use sqlx::{Error, pool::PoolConnection};
use telemetry_api::instrument::Providers;

use crate::{
    backend::{Backend, ErrorReader, Facts},
    metrics::scope,
    observer::{Active, Observer},
};
use lease::Lease;
use wait_span::WaitSpan;

/// The name of the span of a wait for a connection.
const ACQUIRE: &str = "pool.acquire";

/// The name of the span of connecting a pool.
const CONNECT: &str = "pool.connect";

/// The attribute of [`ACQUIRE`]. True: all connections were in use, so the call waited for one of them. False: the pool
/// opened a new connection.
const FULL: &str = "sqlx.pool.full";

/// Takes a connection from the pool, counts the call as pending, and measures the wait. If no connection is idle, the
/// wait has its own span. Sets `lease` when it has a connection.
pub(crate) async fn acquire<'a, DB: Backend>(
    pool: &sqlx::Pool<DB>,
    observer: &'a Observer,
    lease: &mut Lease<&'a Observer>,
) -> Result<PoolConnection<DB>, Error> {
    let Some(active) = recording(observer) else {
        return pool.acquire().await;
    };
    let pending = observer.numbers.pending();
    let mut span = if pool.num_idle() == 0 {
        WaitSpan::start(&active.instruments.tracer, ACQUIRE, || {
            let most = pool.options().get_max_connections();
            let mut all = observer.common.to_vec();
            all.push(KeyValue::new(FULL, pool.size() >= most));
            all
        })
    } else {
        None
    };
    let started = Instant::now();
    let mut acquiring = pin!(pool.acquire());
    let acquired = poll_fn(|cx| match &mut span {
        Some(span) => span.poll(|| acquiring.as_mut().poll(cx)),
        None => acquiring.as_mut().poll(cx),
    })
    .await;
    let now = Instant::now();
    drop(pending);
    match &acquired {
        Ok(_) => {
            let waited = now - started;
            *lease = Lease::new(observer, now, waited);
            let exemplar = span.as_ref().map(WaitSpan::span_context);
            observer.wait_time(active).record(
                waited.as_secs_f64(),
                exemplar.as_ref().unwrap_or(&SpanContext::NONE),
            );
        }
        Err(Error::PoolTimedOut) => observer.numbers.timed_out(),
        Err(_) => {}
    }
    if let Some(span) = span {
        span.end(acquired.as_ref().err(), observer.errors);
    }
    acquired
}

/// Takes a connection if one is idle. Measures a wait of zero.
pub(crate) fn try_acquire<DB: Backend>(
    pool: &sqlx::Pool<DB>,
    observer: &Arc<Observer>,
) -> Option<(PoolConnection<DB>, Lease)> {
    let raw = pool.try_acquire()?;
    let lease = match recording(observer) {
        Some(active) => {
            let series = observer.wait_time(active);
            series.record(0.0, &SpanContext::NONE);
            Lease::new(observer.clone(), Instant::now(), Duration::ZERO)
        }
        None => Lease::none(),
    };
    Some((raw, lease))
}

/// Connects a pool, in a span of its own. The pool has no providers yet, so the span goes to the current ones.
pub(crate) async fn connect<DB: Backend, T>(
    facts: &Facts,
    connecting: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let span = Providers::current()
        .filter(|_| !Context::map_current(Context::is_telemetry_suppressed))
        .and_then(|providers| {
            let tracer = providers.tracer(scope());
            WaitSpan::start(&tracer, CONNECT, || facts.attributes())
        });
    let Some(mut span) = span else {
        return connecting.await;
    };
    let mut connecting = pin!(connecting);
    let connected = poll_fn(|cx| span.poll(|| connecting.as_mut().poll(cx))).await;
    span.end(connected.as_ref().err(), ErrorReader::of::<DB>());
    connected
}

/// Returns `None` while there is no pipeline, and where telemetry is suppressed.
fn recording(observer: &Observer) -> Option<&Active> {
    let active = observer.active()?;
    let suppressed = Context::map_current(Context::is_telemetry_suppressed);
    (!suppressed).then_some(active)
}
