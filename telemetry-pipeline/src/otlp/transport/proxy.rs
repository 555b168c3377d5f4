//! The proxy between this process and a collector, by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY of the process.

use std::net::IpAddr;

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;

use crate::otlp::endpoint::Endpoint;

/// The way to a proxy.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) url: Uri,
    /// Scheme, host and port, without credentials.
    pub(crate) shown: String,
    pub(crate) authorization: Option<HeaderValue>,
    /// The proxy is asked for a tunnel (CONNECT), instead of for the request itself.
    pub(crate) tunnels: bool,
    /// Why it cannot be used.
    pub(crate) unusable: Option<&'static str>,
}

impl Proxy {
    /// The proxy for an endpoint, if there is one. A collector on this machine is reached directly.
    ///
    /// As in other gRPC libraries, HTTPS_PROXY is the proxy of gRPC whether or not it uses TLS, and tunnels.
    pub(crate) fn of(endpoint: &Endpoint) -> Option<Self> {
        Self::listed(endpoint, &Matcher::from_env())
    }

    fn listed(endpoint: &Endpoint, proxies: &Matcher) -> Option<Self> {
        if is_loopback(endpoint.host()) {
            return None;
        }
        let tunnels = endpoint.is_secure() || !endpoint.protocol.facts().has_paths;
        let scheme = if tunnels { "https" } else { "http" };
        let target = format!("{scheme}://{}", endpoint.host()).parse().ok()?;
        let proxy = proxies.intercept(&target)?;
        let url = proxy.uri();
        let host = url.authority().map_or("", |authority| authority.as_str());
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        Some(Self {
            url: url.clone(),
            shown: format!("{}://{host}", url.scheme_str().unwrap_or("http")),
            authorization: proxy.basic_auth().cloned(),
            tunnels,
            unusable: (url.scheme_str() != Some("http")).then_some(UNUSABLE),
        })
    }
}

const UNUSABLE: &str = "it is not a proxy of plain HTTP; set HTTP_PROXY or HTTPS_PROXY to a URL such as \
                        http://proxy:3128, or add the collector to NO_PROXY";

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || address.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback())
        }
        Ok(IpAddr::V4(address)) => address.is_loopback(),
        Err(_) => {
            let name = bare.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_every_name() {
        for host in [
            "localhost",
            "LOCALHOST",
            "localhost.",
            "otel.localhost",
            "127.0.0.1",
            "127.8.8.8",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "collector",
            "localhost.example",
            "10.0.0.1",
            "[fe80::1]",
            "",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
