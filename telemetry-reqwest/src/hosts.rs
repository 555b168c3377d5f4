//! The allow-list of hosts that context may be sent to.

use reqwest::{Url, redirect};

/// The limit of redirects: the default of reqwest.
const MAX_REDIRECTS: usize = 10;

/// An allow-list of hosts.
///
/// | entry | matches |
/// |---|---|
/// | `shop.example` | this host |
/// | `.shop.example`, `*.shop.example` | every host below it, but not the host itself |
/// | `shop.example:8080` | this host on this port; an entry without a port matches every port |
///
/// Hosts are compared as in URLs: case and a final dot do not matter, and `bücher.example` equals
/// `xn--bcher-kva.example`. An entry that is not a host matches nothing, and is logged at `WARN`.
///
/// Cost: one comparison per entry and request.
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
    /// The host as in a URL, without the brackets of an IPv6 address. A suffix keeps its leading dot.
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
        // Only names have subdomains. `domain` is `None` for an IP address.
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
    /// An allow-list of these entries.
    pub fn new<T: AsRef<str>>(entries: impl IntoIterator<Item = T>) -> Self {
        let mut unusable = Vec::new();
        let mut usable = Vec::new();
        for entry in entries {
            let text = entry.as_ref().trim();
            match Entry::parse(text) {
                Some(entry) => usable.push(entry),
                // An empty list, or a comma at its end.
                None if text.is_empty() => {}
                // The log must not show credentials in front of the host.
                None => unusable.push(text.rsplit('@').next().unwrap_or_default().to_owned()),
            }
        }
        if !unusable.is_empty() {
            tracing::warn!(
                target: "telemetry",
                entries = ?unusable,
                "some entries of a list of hosts are no hosts and match nothing; write an entry as shop.example, as \
                 .shop.example for every host below it, and with a port as shop.example:8080"
            );
        }
        Self(usable.into())
    }

    /// An allow-list that matches no host.
    pub fn none() -> Self {
        Self::default()
    }

    /// True if context may be sent to this URL. False if it cannot be parsed.
    pub fn allows(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| self.allows_url(&url))
    }

    /// A redirect policy that follows at most 10 redirects, as reqwest does, but only to these hosts. A redirect to
    /// another host is returned to the caller as a response.
    ///
    /// When reqwest follows a redirect, it sends the headers of the request to the new host, and no middleware can
    /// prevent that. Give this policy to the client's builder if context must not leave these hosts.
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

/// The final dot stands for the DNS root and is not part of the name.
fn without_root(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

#[cfg(test)]
mod tests;
