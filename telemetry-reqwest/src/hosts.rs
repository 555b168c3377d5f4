//! The hosts that context may be sent to.

use reqwest::{Url, redirect};

/// As many redirects as reqwest follows by itself.
const MAX_REDIRECTS: usize = 10;

/// An allow-list of hosts: `shop.example` is that host, `.shop.example` or `*.shop.example` every host below it, and with
/// a port, as in `shop.example:8080`, only that port. Hosts are read as in URLs: case and a dot at the end do not matter,
/// and `bücher.example` is `xn--bcher-kva.example`. An entry that is no host matches nothing and is told of at `WARN`.
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
    /// As URLs have it, but without the brackets of an IPv6 address; of a suffix with its leading dot.
    host: Box<str>,
    port: Option<u16>,
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !text.ends_with(']') => (host, Some(port.parse().ok()?)),
            _ => (text, None),
        };
        let below = host.strip_prefix("*.").or_else(|| host.strip_prefix('.'));
        let name = below.unwrap_or(host);
        let is_part_of_a_name = |c: char| {
            !(c.is_whitespace()
                || c.is_control()
                || matches!(c, '/' | '?' | '#' | '\\' | '@' | '*'))
        };
        if !name.chars().all(is_part_of_a_name) {
            return None;
        }
        let url = Url::parse(&["http://", name, "/"].concat()).ok()?;
        // Nothing is below an address.
        let host = match below {
            Some(_) => [".", without_root(url.domain()?)].concat(),
            None => without_root(without_brackets(url.host_str()?)).to_owned(),
        };
        let named = !host.trim_start_matches('.').is_empty();
        named.then(|| Self {
            host: host.into(),
            port,
        })
    }
}

impl Hosts {
    /// The hosts of these entries.
    pub fn new<T: AsRef<str>>(entries: impl IntoIterator<Item = T>) -> Self {
        let mut unusable = Vec::new();
        let mut usable = Vec::new();
        for entry in entries {
            let text = entry.as_ref().trim();
            match Entry::parse(text) {
                Some(entry) => usable.push(entry),
                // What is left of a list that is empty, or has a comma at its end.
                None if text.is_empty() => {}
                // Without the credentials that somebody may have put in front.
                None => unusable.push(text.rsplit('@').next().unwrap_or_default().to_owned()),
            }
        }
        if !unusable.is_empty() {
            tracing::warn!(
                target: "telemetry",
                entries = ?unusable,
                "some entries of a list of hosts are no hosts and match nothing; an entry is a host such as \
                 shop.example, .shop.example for those below it, and may have a port"
            );
        }
        Self(usable.into())
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
        let host = without_root(without_brackets(host)).as_bytes();
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

fn without_brackets(host: &str) -> &str {
    host.trim_matches(['[', ']'])
}

/// The root's dot is no part of the name.
fn without_root(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use telemetry_pipeline::testing::TestTelemetry;
    use tracing::Level;

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
            " root.example. ",
            ".root.internal.:1",
            "*.star.example",
            "bücher.example",
            ".xn--bcher-kva.internal:80",
            "10.0.0.1",
            "[2001:DB8:0::1]",
            "",
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
            "http://root.example/",
            "http://root.example./",
            "http://x.root.internal:1/",
            "http://x.root.internal.:1/",
            "http://x.star.example/",
            "http://x.y.star.example/",
            "http://Bücher.example/",
            "http://xn--bcher-kva.example/",
            "http://x.bücher.internal/",
            "http://10.0.0.1:8/",
            "http://[2001:db8::1]/",
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
            "http://star.example/",
            "http://root.internal:1/",
            "http://bucher.example/",
            "http://evil.net/?a.example",
            "http://a.example@evil.net/",
            "data:text/plain,a.example",
            "",
        ] {
            assert!(!hosts.allows(url), "{url}");
        }
        assert!(!Hosts::none().allows("http://a.example/"));
    }

    #[test]
    fn an_entry_that_is_no_host_matches_nothing_and_is_told_of() {
        let telemetry = TestTelemetry::new();
        let _default = telemetry.set_default();
        let unusable = [
            "not a host",
            "https://shop.example",
            "shop.example/path",
            "user:hunter2@shop.example",
            "shop.example:http",
            "shop.example:",
            "shop.*.example",
            "*",
            "*.",
            ".",
            ".0.0.1",
            "::1",
            "[::1",
            "sh\top.example",
        ];
        let hosts = Hosts::new(unusable.into_iter().chain(["a.example", ""]));
        assert_eq!(hosts.0.len(), 1, "{hosts:?}");
        telemetry.assert_log("no hosts").level(Level::WARN).count(1);
        let _ = Hosts::new(["a.example", "", " "]);
        telemetry.assert_log("no hosts").count(1);
        assert!(!format!("{:?}", telemetry.logs()).contains("hunter2"));
    }
}
