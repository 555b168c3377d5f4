//! The connections of a server. It keeps them, so that those that are left at the end can be cut off.

use std::{
    any::Any,
    convert::Infallible,
    future::{Future, pending},
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::{Router, extract::ConnectInfo, serve::Listener};
use http::Request;
use hyper::{body::Incoming, rt, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    select,
    sync::{mpsc, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    activity::{Activity, BusyBody, WatchedIo},
    unseen_responses::UnseenResponses,
};
use crate::request::unix_socket::UnixSocket;

/// The longest time to wait until aborted tasks are dropped. A task is dropped late only if it blocks its thread.
const DROP_TIMEOUT: Duration = Duration::from_secs(1);

/// The time after which a connection that closes and has nothing to do is dropped, if it does not end by itself.
const IDLE_TIMEOUT: Duration = Duration::from_millis(100);

/// Serves a router like `axum::serve`, which offers no way to end its connections.
#[derive(Debug)]
pub(crate) struct Connections {
    tasks: JoinSet<()>,
    /// The longest time in which a client must send the head of a request.
    header_timeout: Option<Duration>,
    /// Each task of a connection holds a clone, so `released` ends when all tasks are dropped.
    held: mpsc::Sender<Infallible>,
    released: mpsc::Receiver<Infallible>,
}

impl Connections {
    pub(crate) fn new(header_timeout: Option<Duration>) -> Self {
        let (held, released) = mpsc::channel(1);
        Self {
            tasks: JoinSet::new(),
            header_timeout,
            held,
            released,
        }
    }

    /// Accepts connections until `close` is true, then waits until the last connection has ended.
    pub(crate) async fn serve<L>(
        &mut self,
        mut listener: L,
        router: Router,
        close: &watch::Receiver<bool>,
    ) where
        L: Listener,
        L::Addr: 'static,
    {
        let shared = Shared {
            // This finalises the router; otherwise it would apply its layers to each request.
            router: router.with_state::<()>(()),
            socket: listener
                .local_addr()
                .ok()
                .and_then(|it| UnixSocket::at(&it)),
            unseen: UnseenResponses::default(),
            header_timeout: self.header_timeout,
        };
        let mut closing = close.clone();
        let mut closing = pin!(closed(&mut closing));
        loop {
            select! {
                () = &mut closing => break,
                (stream, peer) = listener.accept() => {
                    let peer = (&peer as &dyn Any).downcast_ref::<SocketAddr>().copied();
                    let task = connection(stream, peer, shared.clone(), close.clone(), self.held.clone());
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

/// The parts of a server that all of its connections have in common.
#[derive(Clone)]
struct Shared {
    router: Router,
    /// The Unix socket that the server listens on; `None` for TCP.
    socket: Option<UnixSocket>,
    unseen: UnseenResponses,
    header_timeout: Option<Duration>,
}

/// Returns when the server must accept no more connections, or when its sender is dropped.
async fn closed(close: &mut watch::Receiver<bool>) {
    let _ = close.wait_for(|close| *close).await;
}

async fn connection<I>(
    stream: I,
    peer: Option<SocketAddr>,
    shared: Shared,
    mut close: watch::Receiver<bool>,
    held: mpsc::Sender<Infallible>,
) where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let activity = Arc::<Activity>::default();
    let Shared {
        router,
        socket,
        unseen,
        header_timeout,
    } = shared;
    let begun = activity.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        let extensions = request.extensions_mut();
        if let Some(peer) = peer {
            extensions.insert(ConnectInfo(peer));
        }
        if let Some(socket) = &socket {
            extensions.insert(socket.clone());
        }
        let busy = begun.begin();
        // A router is always ready, so `poll_ready` is not needed.
        let answered = unseen.watch(&mut router.clone(), request);
        async move {
            let response = answered.await?;
            Ok::<_, Infallible>(response.map(|body| BusyBody::new(body, busy)))
        }
    });
    let mut builder = Builder::new(HoldingExecutor(held));
    // WebSockets over HTTP/2 need this.
    builder.http2().enable_connect_protocol();
    if header_timeout.is_some() {
        builder.http1().timer(TokioTimer::new());
    }
    // The default of the builder is 30 seconds, but only with a timer.
    builder.http1().header_read_timeout(header_timeout);
    let stream = TokioIo::new(WatchedIo::new(stream, activity.clone()));
    let mut served = pin!(builder.serve_connection_with_upgrades(stream, service));
    select! {
        // An error of the connection has ended its requests, and these have recorded it.
        _ = served.as_mut() => return,
        () = no_first_request(header_timeout, &activity) => return,
        () = closed(&mut close) => served.as_mut().graceful_shutdown(),
    }
    select! {
        _ = served.as_mut() => {}
        () = activity.rests_for(IDLE_TIMEOUT) => {}
    }
}

/// Returns when a client has had the time for a whole head and no request has begun: the timeout of HTTP/1.1 starts only
/// with the first byte, and HTTP/2 has none.
async fn no_first_request(header_timeout: Option<Duration>, activity: &Activity) {
    match header_timeout {
        Some(time) => sleep(time).await,
        None => pending().await,
    }
    if activity.has_begun() {
        pending().await
    }
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
