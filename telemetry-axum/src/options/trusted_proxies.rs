//! The proxies in front of the service, and the headers that they write.

use std::net::IpAddr;

use super::network::Network;

/// The headers in which trusted proxies name the client.
///
/// A proxy writes the headers that it knows and passes all others on as the caller sent them. So only one kind can be
/// believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyHeaders {
    /// `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`. Nearly all proxies and load balancers write
    /// these. This is the default.
    #[default]
    XForwarded,
    /// `Forwarded`, RFC 7239.
    Forwarded,
}

/// The networks of trusted proxies. Empty by default: then no header is believed.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustedProxies {
    pub(crate) networks: Vec<Network>,
    pub(crate) headers: ProxyHeaders,
}

impl TrustedProxies {
    /// Returns true if the address is in one of the networks.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.networks
            .iter()
            .any(|network| network.contains(address))
    }
}
