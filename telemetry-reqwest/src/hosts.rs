//! The hosts that context may be sent to.

use reqwest::{Url, redirect};
use telemetry_core::semconv_http::Authority;

/// As many redirects as reqwest follows by itself.
const MAX_REDIRECTS: usize = 10;

/// An allow-list of hosts: `shop.example` is that host, `.shop.example` every host below it, and with a port, as in
/// `shop.example:8080`, only that port. Case does not matter; an entry that is no host matches nothing.
///
/// Cost: one comparison an entry and request.
///
/// ```
/// use telemetry_reqwest::Hosts;
///
/// let ours = Hosts::new(["shop.example", ".shop.internal", "localhost:8080"]);
/// assert!(ours.allows("https://orders.shop.internal/1"));
/// assert!(!ours.allows("https://shop.example.attacker.net/"));
/// assert!(!ours.allows("http://localhost:9090/"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Hosts(Box<[Entry]>);

#[derive(Clone, Debug)]
struct Entry {
    /// In lower case; of a suffix with its leading dot.
    host: Box<str>,
    port: Option<u16>,
}

impl Hosts {
    /// The hosts of these entries.
    pub fn new<T: AsRef<str>>(entries: impl IntoIterator<Item = T>) -> Self {
        let entries = entries.into_iter().filter_map(|entry| {
            let Authority { host, port } = Authority::parse(entry.as_ref().trim())?;
            Some(Entry {
                host: host.to_ascii_lowercase().into(),
                port,
            })
        });
        Self(entries.collect())
    }

    /// No host at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether context may be sent to this URL.
    pub fn allows(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| self.allows_url(&url))
    }

    /// A redirect policy that follows redirects as reqwest does, at most 10, but only to these hosts; any other
    /// is returned to the caller as the response it is.
    ///
    /// reqwest sends a request's headers on when it follows a redirect, to any host, and no middleware can stop it:
    /// give this policy to the client's builder where context must not leave these hosts.
    ///
    /// ```
    /// # fn main() -> reqwest::Result<()> {
    /// use telemetry_reqwest::{Hosts, TelemetryMiddleware};
    ///
    /// let ours = Hosts::new([".shop.internal"]);
    /// let client = reqwest::Client::builder().redirect(ours.redirect_policy()).build()?;
    /// let middleware = TelemetryMiddleware::new().with_propagation_to(ours);
    /// # Ok(()) }
    /// ```
    pub fn redirect_policy(&self) -> redirect::Policy {
        let hosts = self.clone();
        redirect::Policy::custom(move |attempt| {
            if !hosts.allows_url(attempt.url()) {
                attempt.stop()
            } else if attempt.previous().len() > MAX_REDIRECTS {
                attempt.error("too many redirects")
            } else {
                attempt.follow()
            }
        })
    }

    pub(crate) fn allows_url(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        self.matches(host, url.port_or_known_default())
    }

    pub(crate) fn matches(&self, host: &str, port: Option<u16>) -> bool {
        let host = host.trim_matches(['[', ']']);
        // The root's dot is no part of the name.
        let host = host.strip_suffix('.').unwrap_or(host).as_bytes();
        self.0.iter().any(|entry| {
            let expected = entry.host.as_bytes();
            let same = if expected.first() == Some(&b'.') {
                host.len() > expected.len()
                    && host[host.len() - expected.len()..].eq_ignore_ascii_case(expected)
            } else {
                host.eq_ignore_ascii_case(expected)
            };
            same && (entry.port.is_none() || entry.port == port)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_listed_is_allowed() {
        let hosts = Hosts::new([
            "a.example",
            ".b.example",
            "c.example:8443",
            ".d.example:443",
            "[::1]:80",
            "Upper.Example",
            "",
            "not a host",
        ]);
        for url in [
            "http://a.example/",
            "https://a.example:1/",
            "http://A.EXAMPLE./",
            "http://x.b.example/",
            "http://x.y.b.example:99/",
            "https://c.example:8443/",
            "https://x.d.example/",
            "http://[::1]/",
            "http://upper.example/",
        ] {
            assert!(hosts.allows(url), "{url}");
        }
        for url in [
            "http://sub.a.example/",
            "http://nota.example/",
            "http://a.example.evil.net/",
            "http://b.example/",
            "http://xb.example/",
            "https://c.example/",
            "http://x.d.example/",
            "http://[::1]:81/",
            "http://evil.net/?a.example",
            "http://a.example@evil.net/",
            "data:text/plain,a.example",
            "",
        ] {
            assert!(!hosts.allows(url), "{url}");
        }
        assert!(!Hosts::none().allows("http://a.example/"));
    }
}
