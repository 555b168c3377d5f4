//! TLS, if the program is built with it.

use std::{fmt, pin::Pin, sync::Arc};

use super::connect::BoxedStream;
use crate::{
    error::BootstrapError,
    otlp::{endpoint::Endpoint, signal::Signal},
};

pub(crate) type Shaking<'a> =
    Pin<Box<dyn Future<Output = Result<BoxedStream, String>> + Send + 'a>>;

/// Makes connections secure, as one endpoint is configured.
pub(crate) trait Handshake: fmt::Debug + Send + Sync {
    /// The secure stream, or a reason that is fit for a log line.
    fn handshake(&self, stream: BoxedStream) -> Shaking<'_>;

    /// Whether no client certificate is shown.
    fn is_anonymous(&self) -> bool;
}

type Configure = fn(&Endpoint, Signal) -> Result<Arc<dyn Handshake>, BootstrapError>;

/// The implementation of TLS, which the feature `tls` adds here and nowhere else.
const TLS: &[Configure] = &[
    #[cfg(feature = "tls")]
    super::tls::configure,
];

/// Whether the program is built with TLS.
pub(crate) fn is_built_in() -> bool {
    !TLS.is_empty()
}

/// The handshake that an endpoint needs; `None` if it is not of https.
pub(crate) fn handshake(
    endpoint: &Endpoint,
    signal: Signal,
) -> Result<Option<Arc<dyn Handshake>>, BootstrapError> {
    match TLS.first() {
        Some(configure) if endpoint.is_secure() => configure(endpoint, signal).map(Some),
        _ => Ok(None),
    }
}
