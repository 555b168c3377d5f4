//! The servers that metrics tell apart.

use opentelemetry::KeyValue;
use telemetry_core::{
    names::forever,
    semconv_http::{
        self, Authority,
        attribute::{SERVER_ADDRESS, SERVER_PORT},
    },
};

/// Hosts, perhaps with a port. Callers can ask for any; only these become labels.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownServers(Vec<Authority<'static>>);

impl KnownServers {
    /// What is no host is left out.
    pub(crate) fn new(hosts: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let server = |host: &str| {
            let host = host.trim().to_ascii_lowercase();
            let Authority { host, port } = Authority::parse(&host)?;
            let host = forever(without_root(host));
            Some(Authority { host, port })
        };
        let hosts = hosts.into_iter();
        Self(hosts.filter_map(|host| server(host.as_ref())).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one that a request for this host over this scheme means.
    // Out of the way of the requests of all services that list none.
    #[inline(never)]
    pub(crate) fn find(&self, host: &str, scheme: &str) -> Option<Authority<'static>> {
        let asked = Authority::parse(host)?;
        let host = without_root(asked.host);
        let port = asked.port.or_else(|| semconv_http::default_port(scheme));
        let servers = self.0.iter().filter(|server| {
            server.host.eq_ignore_ascii_case(host) && (server.port.is_none() || server.port == port)
        });
        // One with its port says more than one without.
        servers.max_by_key(|server| server.port.is_some()).copied()
    }
}

/// The host without the dot that ends a name of the DNS that is written whole.
fn without_root(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// The labels of a known server.
pub(crate) fn attributes(server: Option<Authority<'static>>) -> impl Iterator<Item = KeyValue> {
    let address = server.map(|server| KeyValue::new(SERVER_ADDRESS, server.host));
    let port = server.and_then(|server| server.port);
    let port = port.map(|port| KeyValue::new(SERVER_PORT, i64::from(port)));
    address.into_iter().chain(port)
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

    #[test]
    fn labels_have_the_types_of_the_convention() {
        let server = Authority::parse("shop.example:8443");
        let address = KeyValue::new("server.address", "shop.example");
        let expected = [address.clone(), KeyValue::new("server.port", 8443_i64)];
        assert!(attributes(server).eq(expected));
        assert!(attributes(Authority::parse("shop.example")).eq([address]));
        assert_eq!(attributes(None).count(), 0);
    }
}
