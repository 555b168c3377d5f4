//! Waiting for a connection, apart from the time the database takes.

use opentelemetry::{
    Context,
    trace::{FutureExt, SpanKind, Status, TraceContextExt},
};
use sqlx::{Error, Pool, pool::PoolConnection};

use crate::{
    database::Backend,
    failure::{Failure, cancelled, description},
    observer::Observer,
};

/// The name of the span of waiting for a connection.
pub(crate) const ACQUIRE: &str = "pool.acquire";

/// Takes a connection from the pool. If none is idle, waiting for one or opening one is a span.
pub(crate) async fn acquire<DB: Backend>(
    pool: &Pool<DB>,
    observer: &Observer,
) -> Result<PoolConnection<DB>, Error> {
    let wait = if pool.num_idle() == 0 {
        Wait::start(observer)
    } else {
        None
    };
    let Some(mut wait) = wait else {
        return pool.acquire().await;
    };
    let acquired = pool.acquire().with_context(wait.cx.clone()).await;
    wait.end(
        acquired.as_ref().err().and_then(Failure::of),
        acquired.as_ref().err(),
        observer,
    );
    acquired
}

/// Ends its span exactly once, at the latest when dropped.
struct Wait {
    cx: Context,
    ended: bool,
}

impl Wait {
    fn start(observer: &Observer) -> Option<Self> {
        let instruments = observer.instruments.get()?;
        let attributes = || observer.common.to_vec();
        let cx = Context::map_current(|parent| {
            instruments
                .tracer
                .start(parent, ACQUIRE, SpanKind::Internal, attributes)
        });
        Some(Self { cx, ended: false })
    }

    fn end(&mut self, failure: Option<Failure>, error: Option<&Error>, observer: &Observer) {
        if let Some(failure) = failure {
            self.fail(
                &failure,
                error
                    .map(|error| description(error, observer.safe_message))
                    .unwrap_or_default(),
            );
        }
        self.ended = true;
        self.cx.span().end();
    }

    fn fail(&self, failure: &Failure, description: std::borrow::Cow<'static, str>) {
        let span = self.cx.span();
        if telemetry_core::tracer::is_recorded(&span) {
            span.set_attributes(failure.attributes());
            span.set_status(Status::error(description));
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if !self.ended {
            let span = self.cx.span();
            span.set_attribute(cancelled());
            span.end();
        }
    }
}
