//! The Unix socket that a server listens on.

use std::{any::Any, sync::Arc};

/// An extension of requests that came over a Unix socket. Clients of such a socket have no address.
#[derive(Clone, Debug)]
pub(crate) struct UnixSocket {
    /// The path of the socket; `None` for a socket without one.
    pub(crate) path: Option<Arc<str>>,
}

impl UnixSocket {
    /// The socket of this address of a listener; `None` if it is of another kind.
    #[cfg(unix)]
    pub(crate) fn at<A: 'static>(address: &A) -> Option<Self> {
        let address = (address as &dyn Any).downcast_ref::<tokio::net::unix::SocketAddr>()?;
        let path = address.as_pathname();
        Some(Self {
            path: path.map(|path| path.to_string_lossy().into()),
        })
    }

    /// `None`: there are no such sockets here.
    #[cfg(not(unix))]
    pub(crate) fn at<A: 'static>(_: &A) -> Option<Self> {
        None
    }
}
