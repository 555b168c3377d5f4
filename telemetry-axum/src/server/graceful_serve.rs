//! Serving a router with a graceful end.

use std::{
    fmt,
    future::{Future, pending},
    io,
    pin::Pin,
    time::Duration,
};

use axum::{Router, serve::Listener};
use tokio::{
    net::TcpListener,
    select,
    sync::watch,
    time::{Instant, sleep},
};

use super::{
    connections::Connections,
    operations_routes::Operations,
    readiness::{Health, drain_all},
    stop_signals::StopSignals,
};

/// The default time for requests to finish after a signal. By default, Kubernetes kills a process after 30 seconds.
const GRACE: Duration = Duration::from_secs(25);

/// The time in which further signals are ignored: process managers, and `timeout` of the shell, send the same signal to the
/// process and to its group.
const SAME_SIGNAL: Duration = Duration::from_secs(1);

/// Serves the router until SIGTERM or SIGINT, then lets the requests in flight finish, for at most 25 seconds. Requests
/// that are not finished by then are cut off and end as `client_disconnected`.
///
/// It takes any listener of axum: TCP, a Unix socket, or one of your own. It also puts the peer's address, or the path of
/// the Unix socket, on each request, for the telemetry layer. Shut telemetry down after it returns, so that the last
/// requests are exported. [`Serve`] does the same with options.
///
/// It logs one warning, of target `telemetry`, about the first response that no [`TelemetryLayer`](crate::TelemetryLayer)
/// has seen: the layer covers only routes that the router has when the layer is added.
///
/// ```no_run
/// # async fn example(app: axum::Router) -> std::io::Result<()> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
/// telemetry_axum::serve(listener, app).await
/// # }
/// ```
///
/// # Errors
///
/// If a signal handler cannot be installed or the listener fails.
pub async fn serve<L>(listener: L, router: Router) -> io::Result<()>
where
    L: Listener,
    L::Addr: 'static,
{
    Serve::new().run(listener, router).await
}

type Stop = Pin<Box<dyn Future<Output = &'static str> + Send>>;

/// [`serve`] with options for the time between the signal and the end.
///
/// SIGTERM or SIGINT first makes the service unready, so that load balancers notice. After the drain delay the listener
/// closes, and the requests in flight finish, for at most the grace period. Connections without a request in flight end at
/// once, also one that has sent a part of a head. A second signal ends the wait at once, unless it arrives within one
/// second of the first: then it is ignored, because process managers may send the same signal twice.
///
/// Requests that are left are cut off, so that they have ended when [`run`](Self::run) returns. If its future is
/// dropped, they are cut off too.
#[must_use]
pub struct Serve {
    health: Option<Health>,
    operations: Option<(TcpListener, Operations)>,
    drain_delay: Duration,
    grace: Duration,
    header_timeout: Option<Duration>,
    stop: Option<Stop>,
}

impl Serve {
    /// The defaults: no health, no drain delay, and 25 seconds of grace.
    pub fn new() -> Self {
        Self {
            health: None,
            operations: None,
            drain_delay: Duration::ZERO,
            grace: GRACE,
            header_timeout: None,
            stop: None,
        }
    }

    /// Drains this health when the server stops. A signal drains every health of the process anyway; pass the health
    /// that answers `/readyz` if the server may also stop for another reason ([`with_stop`](Self::with_stop)).
    pub fn with_health(mut self, health: Health) -> Self {
        self.health = Some(health);
        self
    }

    /// Sets how long new requests are accepted after the service has become unready. Default: zero. For load balancers
    /// that notice late: a little more than the period of their readiness probe.
    pub fn with_drain_delay(mut self, delay: Duration) -> Self {
        self.drain_delay = delay;
        self
    }

    /// Sets how long requests in flight may take to finish after the drain delay. Default: 25 seconds. Drain delay and
    /// grace together must be shorter than the time after which the process is killed.
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets how long a client may take to send the head of a request, its first or a later one on the same connection. A
    /// connection that takes longer is closed. Default: no limit. Use it where no proxy in front has such a limit: 10
    /// to 30 seconds keep slow clients from holding connections.
    ///
    /// It also closes connections of HTTP/1.1 that wait so long for their next request.
    pub fn with_header_timeout(mut self, time: Duration) -> Self {
        self.header_timeout = Some(time);
        self
    }

    /// Serves `/metrics`, `/livez` and `/readyz` on a listener of their own until the very end, so that strangers cannot
    /// reach them and they cannot collide with routes. The health of the operations is drained too.
    pub fn with_operations(mut self, listener: TcpListener, operations: Operations) -> Self {
        self.operations = Some((listener, operations));
        self
    }

    /// Stops the server also when this future completes; the log line names `reason`. For tests, and for services that
    /// stop by their own decision.
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

    /// Serves the router until the end.
    ///
    /// # Errors
    ///
    /// If a signal handler cannot be installed or a listener fails.
    pub async fn run<L>(mut self, listener: L, router: Router) -> io::Result<()>
    where
        L: Listener,
        L::Addr: 'static,
    {
        let signals = StopSignals::new()?;
        let (close, closed) = watch::channel(false);
        let operations = self.operations.take();
        let of_operations = operations.iter().map(|(_, it)| it.health().clone());
        let healths: Vec<Health> = self
            .health
            .take()
            .into_iter()
            .chain(of_operations)
            .collect();
        let mut connections = Connections::new(self.header_timeout);
        let served = select! {
            () = connections.serve(listener, router, &closed) => Ok(()),
            result = serve_operations(operations) => result,
            () = self.stopped(signals, &healths, close) => Ok(()),
        };
        connections.cut().await;
        served
    }

    /// Waits for a reason to stop, closes the listener, and returns when the grace period is over.
    async fn stopped(
        self,
        mut signals: StopSignals,
        healths: &[Health],
        close: watch::Sender<bool>,
    ) {
        let stop = self.stop.unwrap_or_else(|| Box::pin(pending()));
        let reason = select! {
            signal = signals.recv() => {
                drain_all();
                signal
            }
            reason = stop => reason,
        };
        for health in healths {
            health.drain();
        }
        tracing::info!(target: "telemetry", signal = reason, "stopping: finishing the requests in flight");
        let grace_is_over = async {
            sleep(self.drain_delay).await;
            // An error means that the connections are closed already.
            let _ = close.send(true);
            sleep(self.grace).await;
        };
        select! {
            () = grace_is_over => {
                let seconds = self.grace.as_secs();
                tracing::warn!(target: "telemetry", seconds, "some requests did not finish within the grace period and are cut off");
            }
            signal = second_signal(signals) => {
                tracing::warn!(target: "telemetry", signal, "a second signal arrived: the requests in flight are cut off");
            }
        }
    }
}

/// Waits for a signal that is not the first one once more.
async fn second_signal(mut signals: StopSignals) -> &'static str {
    let first = Instant::now();
    loop {
        let signal = signals.recv().await;
        if first.elapsed() >= SAME_SIGNAL {
            return signal;
        }
    }
}

/// Serves the operations on their own listener. Without one it never returns.
async fn serve_operations(operations: Option<(TcpListener, Operations)>) -> io::Result<()> {
    match operations {
        Some((listener, operations)) => axum::serve(listener, Router::<()>::from(operations)).await,
        None => pending().await,
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
