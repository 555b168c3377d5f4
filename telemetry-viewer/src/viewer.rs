use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::transport::server::TcpIncoming;

use crate::hosts::Hosts;
use crate::options::ViewerOptions;
use crate::receiver;
use crate::store::Store;
use crate::web::{self, Web};

/// How long requests in progress may take to finish at shutdown.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// A running receiver with its store and web page. It stops when dropped;
/// [`shutdown`](Self::shutdown) also waits until it has.
#[must_use = "a viewer stops when it is dropped"]
pub struct Viewer {
    grpc: SocketAddr,
    http: SocketAddr,
    store: Store,
    stop: watch::Sender<bool>,
    servers: [JoinHandle<()>; 2],
}

/// Why a viewer could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address for OTLP/gRPC cannot be used.
    #[error(
        "cannot listen for OTLP/gRPC on {addr}: {source}; \
         choose another address with --grpc (ViewerOptions::grpc), port 0 for any free one"
    )]
    Grpc {
        /// The address asked for.
        addr: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The address for OTLP/HTTP and the web page cannot be used.
    #[error(
        "cannot listen for OTLP/HTTP on {addr}: {source}; \
         choose another address with --http (ViewerOptions::http), port 0 for any free one"
    )]
    Http {
        /// The address asked for.
        addr: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
}

impl Viewer {
    /// Starts to listen on both addresses, on the current tokio runtime. An export is acknowledged
    /// only when its data is in the store, so that a client that has flushed can read it at once.
    ///
    /// # Errors
    ///
    /// If one of the addresses cannot be used, most often because another collector is using it.
    pub async fn start(options: ViewerOptions) -> Result<Self, StartError> {
        let ViewerOptions {
            grpc,
            http,
            limits,
            allow_hosts,
        } = options;
        let (grpc_listener, grpc) = listen(grpc)
            .await
            .map_err(|source| StartError::Grpc { addr: grpc, source })?;
        let (http_listener, http) = listen(http)
            .await
            .map_err(|source| StartError::Http { addr: http, source })?;

        let store = Store::new(limits);
        let stop = watch::Sender::new(false);
        let grpc_server = receiver::grpc_router(&store).serve_with_incoming_shutdown(
            TcpIncoming::from(grpc_listener).with_nodelay(Some(true)),
            stopped(&stop),
        );
        let pages = Web::new(store.clone(), grpc, http);
        let app = receiver::http_router()
            .with_state(store.clone())
            .merge(web::router(pages, Hosts::new(&allow_hosts)));
        let http_server = axum::serve(http_listener, app).with_graceful_shutdown(stopped(&stop));
        // Neither server ends with an error: both go on after a connection that failed.
        let servers = [
            tokio::spawn(async { drop(grpc_server.await) }),
            tokio::spawn(async { drop(http_server.await) }),
        ];
        Ok(Self {
            grpc,
            http,
            store,
            stop,
            servers,
        })
    }

    /// The address of OTLP/gRPC, with the port in use.
    pub fn grpc_addr(&self) -> SocketAddr {
        self.grpc
    }

    /// The address of OTLP/HTTP, the query API and the web page, with the port in use.
    pub fn http_addr(&self) -> SocketAddr {
        self.http
    }

    /// The endpoint for an OTLP/gRPC exporter: `http://127.0.0.1:4317`.
    pub fn grpc_endpoint(&self) -> String {
        format!("http://{}", self.grpc)
    }

    /// The base endpoint for an OTLP/HTTP exporter, without `/v1/traces`, and the address of the
    /// web page: `http://127.0.0.1:4318`.
    pub fn http_endpoint(&self) -> String {
        format!("http://{}", self.http)
    }

    /// What has been received.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Stops listening and waits until requests in progress are answered, two seconds at most.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        for mut server in self.servers {
            if tokio::time::timeout(SHUTDOWN_GRACE, &mut server)
                .await
                .is_err()
            {
                server.abort();
            }
        }
    }
}

impl fmt::Debug for Viewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Viewer")
            .field("grpc", &self.grpc)
            .field("http", &self.http)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

async fn listen(addr: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(addr).await?;
    let addr = listener.local_addr()?;
    Ok((listener, addr))
}

/// Resolves when the viewer is told to stop, or is gone.
fn stopped(stop: &watch::Sender<bool>) -> impl Future<Output = ()> + Send + use<> {
    let mut told = stop.subscribe();
    async move {
        // An error says that the viewer has been dropped, which means the same.
        let _ = told.wait_for(|stop| *stop).await;
    }
}
