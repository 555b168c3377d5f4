//! The list of servers that metrics tell apart.

use telemetry_semconv::{http as semconv_http, http::Authority, names::forever};

/// Hosts, some with a port. Callers can ask for any host; only these become labels.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownServers(Vec<Authority<'static>>);

impl KnownServers {
    /// Entries that are not a host are ignored.
    pub(crate) fn new(hosts: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let server = |host: &str| {
            let host = host.trim().to_ascii_lowercase();
            let Authority { host, port } = Authority::parse(&host)?;
            let host = forever(without_final_dot(host));
            Some(Authority { host, port })
        };
        let hosts = hosts.into_iter();
        Self(hosts.filter_map(|host| server(host.as_ref())).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entry for a request with this `Host` over this scheme. An entry with a port wins over one without.
    pub(crate) fn find(&self, host: &str, scheme: &str) -> Option<Authority<'static>> {
        let requested = Authority::parse(host)?;
        let host = without_final_dot(requested.host);
        let port = requested
            .port
            .or_else(|| semconv_http::default_port(scheme));
        let servers = self.0.iter().filter(|server| {
            server.host.eq_ignore_ascii_case(host) && (server.port.is_none() || server.port == port)
        });
        servers.max_by_key(|server| server.port.is_some()).copied()
    }
}

/// The host without the dot that ends a fully qualified DNS name.
fn without_final_dot(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_its_host_and_if_it_has_one_its_port() {
        let servers = KnownServers::new([
            " Shop.example.",
            "shop.example:8443",
            "api.example:443",
            "[::1]:80",
            "no host",
        ]);
        let known = |host, scheme| {
            let server = servers.find(host, scheme);
            server.map(|Authority { host, port }| (host, port))
        };
        for name in ["SHOP.example", "shop.example.", "me@shop.example"] {
            assert_eq!(known(name, "http"), Some(("shop.example", None)));
        }
        assert_eq!(
            known("shop.example:1", "http"),
            Some(("shop.example", None))
        );
        let with_port = Some(("shop.example", Some(8443)));
        assert_eq!(known("shop.example:8443", "http"), with_port);
        assert_eq!(
            known("api.example", "https"),
            Some(("api.example", Some(443)))
        );
        assert_eq!(known("api.example", "http"), None);
        assert_eq!(known("[::1]", "http"), Some(("::1", Some(80))));
        for stranger in ["example", "xshop.example", "shop.example..", "no host", ""] {
            assert_eq!(known(stranger, "http"), None, "{stranger:?}");
        }
    }
}
