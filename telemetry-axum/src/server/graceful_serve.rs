//! Serving with a graceful end.

use std::{
    fmt,
    future::{Future, pending},
    io,
    pin::Pin,
    time::Duration,
};

use axum::Router;
use tokio::{net::TcpListener, select, sync::watch, time::sleep};

use crate::{
    connections::Connections,
    health::{Health, drain_all},
    operations::Operations,
};

/// How long requests may take to finish after a signal; Kubernetes kills after 30 seconds by default.
const GRACE: Duration = Duration::from_secs(25);

/// Serves the router until SIGTERM or SIGINT, then lets the requests in flight finish, at most for 25 seconds; what is
/// left of them then is cut off and ends as `client_disconnected`.
///
/// It also gives the telemetry layer the peer's address. Shut telemetry down after it returns, so that the last
/// requests are flushed, too. [`Serve`] does the same with options.
///
/// # Errors
///
/// When a signal handler cannot be installed or the listener fails.
pub async fn serve(listener: TcpListener, router: Router) -> io::Result<()> {
    Serve::new().run(listener, router).await
}

type Stop = Pin<Box<dyn Future<Output = &'static str> + Send>>;

/// [`serve`] with options: what happens between the signal and the end.
///
/// At SIGTERM or SIGINT readiness flips first, so that load balancers notice; after the drain delay the listener
/// closes and the requests in flight finish, at most for the grace period; a second signal ends the wait at once. Those
/// that are left are cut off, so that they have ended when [`run`](Self::run) returns. Dropping its future cuts them, too.
#[must_use]
pub struct Serve {
    health: Option<Health>,
    operations: Option<(TcpListener, Operations)>,
    drain_delay: Duration,
    grace: Duration,
    stop: Option<Stop>,
}

impl Serve {
    /// No health, no drain delay, 25 seconds of grace.
    pub fn new() -> Self {
        Self {
            health: None,
            operations: None,
            drain_delay: Duration::ZERO,
            grace: GRACE,
            stop: None,
        }
    }

    /// What becomes unready for another reason than a signal, too ([`with_stop`](Self::with_stop)): the same health
    /// that `/readyz` is answered from. At a signal every health of the process does.
    pub fn with_health(mut self, health: Health) -> Self {
        self.health = Some(health);
        self
    }

    /// How long new requests are still taken after readiness has flipped. Default: none. For load balancers that
    /// notice late: a little more than the period of their readiness probe.
    pub fn with_drain_delay(mut self, delay: Duration) -> Self {
        self.drain_delay = delay;
        self
    }

    /// How long requests in flight may take to finish after the drain delay. Default: 25 seconds; together the two
    /// must be shorter than the patience of whoever sent the signal.
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Answers `/metrics`, `/livez` and `/readyz` on a listener of their own until the very end, so that they are
    /// neither reachable for strangers nor in the way of routes. Its health drains, too.
    pub fn with_operations(mut self, listener: TcpListener, operations: Operations) -> Self {
        self.operations = Some((listener, operations));
        self
    }

    /// Stops when this future ends, too, and names it in the log. For tests, and for services that decide themselves.
    pub fn with_stop(
        mut self,
        reason: &'static str,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        self.stop = Some(Box::pin(async move {
            stop.await;
            reason
        }));
        self
    }

    /// Serves until the end.
    ///
    /// # Errors
    ///
    /// When a signal handler cannot be installed or a listener fails.
    pub async fn run(self, listener: TcpListener, router: Router) -> io::Result<()> {
        let mut terminate = Terminate::new()?;
        let (close, closed) = watch::channel(false);
        let mut connections = Connections::new();
        let healths: Vec<Health> = self
            .health
            .into_iter()
            .chain(
                self.operations
                    .iter()
                    .map(|(_, operations)| operations.health().clone()),
            )
            .collect();
        let operations = async {
            match self.operations {
                Some((listener, operations)) => {
                    axum::serve(listener, Router::<()>::from(operations)).await
                }
                None => pending().await,
            }
        };
        let stop = self.stop.unwrap_or_else(|| Box::pin(pending()));
        let end = async {
            let reason = select! {
                signal = terminate.recv() => {
                    drain_all();
                    signal
                }
                reason = stop => reason,
            };
            for health in &healths {
                health.drain();
            }
            tracing::info!(target: "telemetry", signal = reason, "finishing the requests in flight");
            let patience = async {
                sleep(self.drain_delay).await;
                let _ = close.send(true);
                sleep(self.grace).await;
            };
            select! {
                () = patience => {
                    let seconds = self.grace.as_secs();
                    tracing::warn!(target: "telemetry", seconds, "requests in flight did not finish in time");
                }
                signal = terminate.recv() => {
                    tracing::warn!(target: "telemetry", signal, "asked again: requests in flight are left");
                }
            }
        };
        let served = select! {
            () = connections.serve(listener, router, &closed) => Ok(()),
            result = operations => result,
            () = end => Ok(()),
        };
        connections.cut().await;
        served
    }
}

impl Default for Serve {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Serve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve")
            .field("health", &self.health)
            .field("drain_delay", &self.drain_delay)
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}

#[cfg(unix)]
struct Terminate {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Terminate {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn recv(&mut self) -> &'static str {
        select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(not(unix))]
struct Terminate;

#[cfg(not(unix))]
impl Terminate {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn recv(&mut self) -> &'static str {
        // Without a handler the process ends by itself.
        let _ = tokio::signal::ctrl_c().await;
        "Ctrl-C"
    }
}
