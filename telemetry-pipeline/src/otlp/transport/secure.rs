//! TLS, if the program is built with it.

use std::sync::Arc;

use super::stream::Handshake;
use crate::{
    error::BootstrapError,
    otlp::{endpoint::Endpoint, signal::Signal},
};

type Configure = fn(&Endpoint, Signal, &[u8]) -> Result<Arc<dyn Handshake>, BootstrapError>;

/// The implementation of TLS, which the feature `tls` adds here and nowhere else.
const TLS: &[Configure] = &[
    #[cfg(feature = "tls")]
    super::tls::configure,
];

/// True if the program is built with TLS.
pub(crate) fn is_built_in() -> bool {
    !TLS.is_empty()
}

/// The handshake that an endpoint needs; `None` if it is not of https.
pub(crate) fn handshake(
    endpoint: &Endpoint,
    signal: Signal,
    alpn: &[u8],
) -> Result<Option<Arc<dyn Handshake>>, BootstrapError> {
    match TLS.first() {
        Some(configure) if endpoint.is_secure() => configure(endpoint, signal, alpn).map(Some),
        _ => Ok(None),
    }
}
