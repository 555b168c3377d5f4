//! The connections of a server, kept so that what is left of them at the end can be cut.

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

/// How long what was cut may take to be dropped: it waits only for what blocks its thread.
const CUT: Duration = Duration::from_secs(1);

/// Serves a router as `axum::serve` does, whose connections nobody can end.
#[derive(Debug)]
pub(crate) struct Connections {
    tasks: JoinSet<()>,
    /// Held by every task that works on a connection.
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

    /// Takes connections until told to close, then waits for the last of them.
    pub(crate) async fn serve(
        &mut self,
        mut listener: TcpListener,
        router: Router,
        close: &watch::Receiver<bool>,
    ) {
        // Finalised: else every request would apply the layers anew.
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

    /// Ends what is left, so that it is dropped, and its requests end, before this returns.
    pub(crate) async fn cut(mut self) {
        self.tasks.abort_all();
        drop(self.held);
        let dropped = async {
            while self.tasks.join_next().await.is_some() {}
            let _ = self.released.recv().await;
        };
        let _ = timeout(CUT, dropped).await;
    }
}

/// Ends when the server shall take no more; the same if nobody can say so any longer.
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
        // A router is ready at any time.
        router.clone().call(request)
    });
    let mut builder = Builder::new(Held(held));
    // For websockets over HTTP/2.
    builder.http2().enable_connect_protocol();
    let served = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    let mut served = pin!(served);
    select! {
        // How a connection ends is its requests' to tell.
        _ = served.as_mut() => return,
        () = closed(&mut close) => served.as_mut().graceful_shutdown(),
    }
    let _ = served.await;
}

/// Runs the streams of an HTTP/2 connection, which end with it, but each in a task of its own.
#[derive(Clone)]
struct Held(mpsc::Sender<Infallible>);

impl<F> rt::Executor<F> for Held
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
