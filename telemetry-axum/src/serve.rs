//! Serving with a graceful end.

use std::{io, net::SocketAddr, time::Duration};

use axum::Router;
use tokio::{net::TcpListener, select, sync::watch};

/// How long requests may take to finish after a signal; Kubernetes kills after 30 seconds by default.
const GRACE: Duration = Duration::from_secs(25);

/// Serves the router until SIGTERM or SIGINT, then lets the requests in flight finish, at most for 25 seconds.
///
/// It also gives the telemetry layer the peer's address. Shut telemetry down after it returns, so that the last
/// requests are flushed, too.
///
/// # Errors
///
/// When a signal handler cannot be installed or the listener fails.
pub async fn serve(listener: TcpListener, router: Router) -> io::Result<()> {
    let mut terminate = Terminate::new()?;
    let (stop, stopped) = watch::channel(false);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let mut finishing = stopped.clone();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        // An error means that the sender is gone, and that ends the service as well.
        let _ = finishing.wait_for(|stop| *stop).await;
    });
    let grace = async {
        let signal = terminate.recv().await;
        tracing::info!(target: "telemetry", signal, "finishing the requests in flight");
        let _ = stop.send(true);
        tokio::time::sleep(GRACE).await;
    };
    select! {
        result = server => result,
        () = grace => {
            tracing::warn!(target: "telemetry", seconds = GRACE.as_secs(), "requests in flight did not finish in time");
            Ok(())
        }
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
