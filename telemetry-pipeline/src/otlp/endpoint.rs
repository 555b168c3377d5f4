//! Where and how one signal is exported.

use std::{fmt, path::PathBuf, time::Duration};

use http::{HeaderMap, Uri};

use super::{compression::Compression, protocol::Protocol};
use crate::error::BootstrapError;

/// The PEM files of TLS.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tls {
    pub(crate) ca: Option<PathBuf>,
    pub(crate) client_key: Option<PathBuf>,
    pub(crate) client_certificate: Option<PathBuf>,
}

/// Where and how one signal is exported.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) protocol: Protocol,
    pub(crate) url: Uri,
    /// The socket of this machine to connect to instead of the URL's host.
    pub(crate) socket: Option<PathBuf>,
    /// Scheme, host and port, without credentials: fit for a log line.
    pub(crate) origin: String,
    pub(crate) headers: HeaderMap,
    pub(crate) timeout: Duration,
    pub(crate) compression: Compression,
    pub(crate) tls: Tls,
}

// The URL may hold credentials.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("protocol", &self.protocol)
            .field("origin", &self.origin)
            .field("headers", &self.headers)
            .field("timeout", &self.timeout)
            .field("compression", &self.compression)
            .field("ca", &self.tls.ca)
            .field("client_key", &self.tls.client_key)
            .field("client_certificate", &self.tls.client_certificate)
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    /// No client could be built for it.
    pub(crate) fn unusable(&self, reason: String) -> BootstrapError {
        BootstrapError::Exporter {
            endpoint: self.origin.clone(),
            reason,
        }
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.url.scheme_str() == Some("https")
    }

    pub(crate) fn host(&self) -> &str {
        self.url.host().unwrap_or_default()
    }

    pub(crate) fn port(&self) -> u16 {
        let default = if self.is_secure() { 443 } else { 80 };
        self.url.port_u16().unwrap_or(default)
    }
}
