//! Who is on the other side of a proxy, believed only of proxies that are trusted.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use http::{HeaderMap, HeaderName, header};

/// More hops than any deployment has; what a caller writes beyond is not looked at.
const MAX_HOPS: usize = 32;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// A range of addresses: `10.0.0.0/8`, `fd00::/8`, or a single address.
///
/// ```
/// use telemetry_axum::Network;
///
/// let pods: Network = "10.42.0.0/16".parse().unwrap();
/// assert!(pods.contains("10.42.7.1".parse().unwrap()));
/// assert!("10.42.0.0/33".parse::<Network>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// Whether the address is in the range. An IPv4 address mapped into IPv6 counts as what it is.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(address)) => {
                let differing = net.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= self.prefix
            }
            (IpAddr::V6(net), IpAddr::V6(address)) => {
                let differing = net.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= self.prefix
            }
            _ => false,
        }
    }
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        let prefix = if address.is_ipv4() { 32 } else { 128 };
        Self { address, prefix }
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let invalid = || InvalidNetwork(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let whole = Self::from(address.parse::<IpAddr>().map_err(|_| invalid())?);
        let Some(prefix) = prefix else {
            return Ok(whole);
        };
        let prefix = prefix.parse().map_err(|_| invalid())?;
        if prefix > whole.prefix {
            return Err(invalid());
        }
        Ok(Self { prefix, ..whole })
    }
}

/// A text that is no [`Network`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidNetwork(String);

impl fmt::Display for InvalidNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no range of addresses: write one as 10.0.0.0/8, fd00::/8 or 192.0.2.1",
            self.0
        )
    }
}

impl std::error::Error for InvalidNetwork {}

/// What trusted proxies say of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin<'a> {
    pub(crate) client: Option<(IpAddr, Option<u16>)>,
    pub(crate) scheme: Option<&'static str>,
    pub(crate) host: Option<&'a str>,
}

/// Nothing unless the peer is a trusted proxy; then what was said of the first hop that is none, read from the
/// nearest: whatever stands further left may be forged.
pub(crate) fn origin<'a>(
    headers: &'a HeaderMap,
    peer: Option<SocketAddr>,
    trusted: &[Network],
) -> Origin<'a> {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    if !peer.is_some_and(|peer| is_trusted(peer.ip())) {
        return Origin::default();
    }
    // In order from the nearest proxy.
    let hops = if headers.contains_key(header::FORWARDED) {
        forwarded(headers)
    } else {
        x_forwarded(headers)
    };
    let client = hops.iter().position(|hop| match hop.node {
        Some((address, _)) => !is_trusted(address),
        None => true,
    });
    // If all are trusted, the furthest of them is the client.
    let Some(hop) = hops.get(client.unwrap_or(hops.len().saturating_sub(1))) else {
        return Origin::default();
    };
    let nearest = hops.first();
    Origin {
        client: hop.node,
        scheme: hop
            .proto
            .or(nearest.and_then(|hop| hop.proto))
            .and_then(scheme),
        host: hop.host.or(nearest.and_then(|hop| hop.host)),
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Hop<'a> {
    node: Option<(IpAddr, Option<u16>)>,
    proto: Option<&'a str>,
    host: Option<&'a str>,
}

/// RFC 7239.
fn forwarded(headers: &HeaderMap) -> Vec<Hop<'_>> {
    let mut hops: Vec<_> = headers
        .get_all(header::FORWARDED)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| split_unquoted(value, ','))
        .map(|element| {
            let mut hop = Hop::default();
            for pair in split_unquoted(element, ';') {
                let Some((name, value)) = pair.split_once('=') else {
                    continue;
                };
                let value = value.trim().trim_matches('"');
                match name.trim() {
                    name if name.eq_ignore_ascii_case("for") => hop.node = node(value),
                    name if name.eq_ignore_ascii_case("proto") => hop.proto = Some(value),
                    name if name.eq_ignore_ascii_case("host") => hop.host = Some(value),
                    _ => {}
                }
            }
            hop
        })
        .collect();
    hops.reverse();
    hops.truncate(MAX_HOPS);
    hops
}

/// The three headers in use before RFC 7239. Where a list is not as long as that of the addresses, its members
/// cannot be told apart and the nearest proxy's counts.
fn x_forwarded(headers: &HeaderMap) -> Vec<Hop<'_>> {
    let nodes = list(headers, &X_FORWARDED_FOR);
    let protos = list(headers, &X_FORWARDED_PROTO);
    let hosts = list(headers, &X_FORWARDED_HOST);
    let of = |list: &[&'_ str], at: usize| -> Option<usize> {
        if list.len() == nodes.len() {
            Some(at)
        } else {
            (!list.is_empty()).then_some(0)
        }
    };
    (0..nodes.len().max(1))
        .map(|at| Hop {
            node: nodes.get(at).and_then(|text| node(text)),
            proto: of(&protos, at).and_then(|at| protos.get(at).copied()),
            host: of(&hosts, at).and_then(|at| hosts.get(at).copied()),
        })
        .collect()
}

/// The members of a list header, the last first.
fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
    let mut members: Vec<_> = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    members.reverse();
    members.truncate(MAX_HOPS);
    members
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` or `[2001:db8::1]:80`; obfuscated and unknown nodes are nobody.
fn node(text: &str) -> Option<(IpAddr, Option<u16>)> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some((address.to_canonical(), None));
    }
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some((address.ip().to_canonical(), Some(address.port())));
    }
    let bare = text.strip_prefix('[')?.strip_suffix(']')?;
    Some((bare.parse().ok()?, None))
}

/// A label must come from a bounded set.
fn scheme(proto: &str) -> Option<&'static str> {
    if proto.eq_ignore_ascii_case("https") {
        Some("https")
    } else if proto.eq_ignore_ascii_case("http") {
        Some("http")
    } else {
        None
    }
}

fn split_unquoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c| {
        if c == '"' {
            quoted = !quoted;
        }
        c == separator && !quoted
    })
    .map(str::trim)
}

#[cfg(test)]
mod tests;
