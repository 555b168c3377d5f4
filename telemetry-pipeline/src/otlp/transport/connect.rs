//! The connection to a collector: direct, through a proxy or over a socket of this machine; then TLS.

use std::{fmt, io, path::PathBuf, sync::Arc, time::Duration};

use http::Uri;
use hyper_util::{
    client::legacy::connect::{HttpConnector, proxy::Tunnel},
    rt::TokioIo,
};
use tower_service::Service as _;

use super::{
    hints,
    proxy::Proxy,
    secure,
    stream::{BoxedStream, Handshake},
};
use crate::{
    error::BootstrapError,
    otlp::{answer::cause, endpoint::Endpoint, signal::Signal},
};

/// Opens connections to one endpoint.
#[derive(Clone)]
pub(crate) struct Connector {
    tcp: HttpConnector,
    url: Uri,
    socket: Option<PathBuf>,
    proxy: Option<Arc<Proxy>>,
    tls: Option<Arc<dyn Handshake>>,
}

impl Connector {
    pub(crate) fn new(
        endpoint: &Endpoint,
        signal: Signal,
        alpn: &[u8],
    ) -> Result<Self, BootstrapError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEP_ALIVE));
        Ok(Self {
            tcp,
            url: endpoint.url.clone(),
            socket: endpoint.socket.clone(),
            proxy: match endpoint.socket {
                Some(_) => None,
                None => Proxy::of(endpoint).map(Arc::new),
            },
            tls: secure::handshake(endpoint, signal, alpn)?,
        })
    }

    /// The proxy that requests are sent to in full form, without a tunnel.
    pub(crate) fn forwarder(&self) -> Option<&Proxy> {
        let proxy = self.proxy.as_deref();
        proxy.filter(|proxy| !proxy.tunnels)
    }

    /// Opens a connection that is ready for the protocol. The error is fit for a log line.
    pub(crate) async fn connect(&self) -> Result<BoxedStream, String> {
        let stream = match (&self.socket, &self.proxy) {
            (Some(path), _) => socket(path).await.map_err(|error| error.to_string())?,
            (None, Some(proxy)) => self.through(proxy).await?,
            (None, None) => self.tcp(self.url.clone()).await?,
        };
        match &self.tls {
            Some(tls) => tls.handshake(stream).await,
            None => Ok(stream),
        }
    }

    /// A reason why there is no answer, with the first thing to look at.
    pub(crate) fn explained(&self, reason: String) -> String {
        let reason = hints::connection(reason);
        match &self.tls {
            Some(tls) if tls.is_anonymous() => hints::anonymous(reason),
            _ => reason,
        }
    }

    async fn tcp(&self, url: Uri) -> Result<BoxedStream, String> {
        let connected = self.tcp.clone().call(url).await;
        match connected {
            Ok(stream) => Ok(Box::new(stream.into_inner())),
            Err(error) => Err(cause(&error)),
        }
    }

    async fn through(&self, proxy: &Proxy) -> Result<BoxedStream, String> {
        let named = |reason: String| format!("through the proxy {}: {reason}", proxy.shown);
        if let Some(reason) = proxy.unusable {
            return Err(named(reason.to_owned()));
        }
        if !proxy.tunnels {
            return self.tcp(proxy.url.clone()).await.map_err(named);
        }
        let mut tunnel = Tunnel::new(proxy.url.clone(), self.tcp.clone());
        if let Some(authorization) = &proxy.authorization {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        // A tunnel without a port would lead to 443.
        match tunnel.call(self.url_with_port()).await {
            Ok(stream) => Ok(Box::new(stream.into_inner())),
            Err(error) => Err(named(cause(&error))),
        }
    }

    fn url_with_port(&self) -> Uri {
        let (Some(host), None) = (self.url.host(), self.url.port()) else {
            return self.url.clone();
        };
        let port = match self.url.scheme_str() {
            Some("https") => 443,
            _ => 80,
        };
        let url = format!("http://{host}:{port}").parse();
        url.unwrap_or_else(|_| self.url.clone())
    }
}

/// How long a connection may be silent before the system asks whether the other side is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

#[cfg(unix)]
async fn socket(path: &std::path::Path) -> io::Result<BoxedStream> {
    Ok(Box::new(tokio::net::UnixStream::connect(path).await?))
}

/// No endpoint of a socket is accepted there.
#[cfg(not(unix))]
async fn socket(_path: &std::path::Path) -> io::Result<BoxedStream> {
    Err(io::ErrorKind::Unsupported.into())
}

/// For tonic, which opens its connections itself.
impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<BoxedStream>;
    type Error = io::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), io::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            match connector.connect().await {
                Ok(stream) => Ok(TokioIo::new(stream)),
                Err(reason) => Err(io::Error::other(reason)),
            }
        })
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}
