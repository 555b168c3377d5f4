//! The connections of a server. It keeps them, so that those that are left at the end can be cut off.

use std::{convert::Infallible, future::Future, net::SocketAddr, pin::pin, time::Duration};

use axum::{Router, extract::ConnectInfo, serve::Listener};
use http::Request;
use hyper::{body::Incoming, rt, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use tokio::{
    net::{TcpListener, TcpStream},
    select,
    sync::{mpsc, watch},
    task::JoinSet,
    time::timeout,
};
use tower_service::Service;

/// The longest time to wait until aborted tasks are dropped. A task is dropped late only if it blocks its thread.
const DROP_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves a router like `axum::serve`, which offers no way to end its connections.
#[derive(Debug)]
pub(crate) struct Connections {
    tasks: JoinSet<()>,
    /// Each task of a connection holds a clone, so `released` ends when all tasks are dropped.
    held: mpsc::Sender<Infallible>,
    released: mpsc::Receiver<Infallible>,
}

impl Connections {
    pub(crate) fn new() -> Self {
        let (held, released) = mpsc::channel(1);
        Self {
            tasks: JoinSet::new(),
            held,
            released,
        }
    }

    /// Accepts connections until `close` is true, then waits until the last connection has ended.
    pub(crate) async fn serve(
        &mut self,
        mut listener: TcpListener,
        router: Router,
        close: &watch::Receiver<bool>,
    ) {
        // This finalises the router; otherwise it would apply its layers to each request.
        let router = router.with_state::<()>(());
        let mut closing = close.clone();
        let mut closing = pin!(closed(&mut closing));
        loop {
            select! {
                () = &mut closing => break,
                (stream, peer) = Listener::accept(&mut listener) => {
                    let task = connection(stream, peer, router.clone(), close.clone(), self.held.clone());
                    self.tasks.spawn(task);
                }
                Some(_) = self.tasks.join_next() => {}
            }
        }
        drop(listener);
        while self.tasks.join_next().await.is_some() {}
    }

    /// Aborts the connections that are left, and waits until they are dropped. Their requests have ended then.
    pub(crate) async fn cut(mut self) {
        self.tasks.abort_all();
        drop(self.held);
        let dropped = async {
            while self.tasks.join_next().await.is_some() {}
            let _ = self.released.recv().await;
        };
        let _ = timeout(DROP_TIMEOUT, dropped).await;
    }
}

/// Returns when the server must accept no more connections, or when its sender is dropped.
async fn closed(close: &mut watch::Receiver<bool>) {
    let _ = close.wait_for(|close| *close).await;
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    mut close: watch::Receiver<bool>,
    held: mpsc::Sender<Infallible>,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        // A router is always ready, so `poll_ready` is not needed.
        router.clone().call(request)
    });
    let mut builder = Builder::new(HoldingExecutor(held));
    // WebSockets over HTTP/2 need this.
    builder.http2().enable_connect_protocol();
    let served = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    let mut served = pin!(served);
    select! {
        // An error of the connection has ended its requests, and these have recorded it.
        _ = served.as_mut() => return,
        () = closed(&mut close) => served.as_mut().graceful_shutdown(),
    }
    let _ = served.await;
}

/// Runs the streams of an HTTP/2 connection. Each has its own task, which ends with the connection.
#[derive(Clone)]
struct HoldingExecutor(mpsc::Sender<Infallible>);

impl<F> rt::Executor<F> for HoldingExecutor
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, stream: F) {
        let held = self.0.clone();
        TokioExecutor::new().execute(async move {
            stream.await;
            drop(held);
        });
    }
}
