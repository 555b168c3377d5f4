//! Connections of any kind, and how they become secure.

use std::{fmt, pin::Pin};

use tokio::io::{AsyncRead, AsyncWrite};

/// A connection of any kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub(crate) type BoxedStream = Box<dyn Stream>;

pub(crate) type Shaking<'a> =
    Pin<Box<dyn Future<Output = Result<BoxedStream, String>> + Send + 'a>>;

/// Makes connections secure, as one endpoint is configured.
pub(crate) trait Handshake: fmt::Debug + Send + Sync {
    /// The secure stream, or a reason that is fit for a log line.
    fn handshake(&self, stream: BoxedStream) -> Shaking<'_>;

    /// True if no client certificate is shown.
    fn is_anonymous(&self) -> bool;
}
