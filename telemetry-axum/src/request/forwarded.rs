//! Who asked, in the words of the proxies in front, believed only of those that are trusted.

use std::{
    borrow::Cow,
    net::{IpAddr, SocketAddr},
};

use http::{HeaderMap, HeaderName, header};

use crate::network::Network;

/// More hops than any deployment has; what a caller writes beyond is not looked at.
const MAX_HOPS: usize = 32;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The headers in which trusted proxies say whom they speak for.
///
/// A proxy adds to those it knows and hands the others on as the caller wrote them, so only one kind can be believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyHeaders {
    /// `X-Forwarded-For`, `-Proto` and `-Host`: what nearly all proxies and load balancers write.
    #[default]
    XForwarded,
    /// `Forwarded`, RFC 7239.
    Forwarded,
}

/// What trusted proxies say of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin<'a> {
    pub(crate) client: Client,
    pub(crate) scheme: Option<&'static str>,
    pub(crate) host: Option<Cow<'a, str>>,
}

/// Who asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Client {
    /// The other end of the connection: nobody said that it is another.
    #[default]
    Peer,
    /// Somebody whom the proxies do not name, or not readably.
    Hidden,
    At(IpAddr, Option<u16>),
}

/// Nothing unless the peer is a trusted proxy; then what was said of the first hop that is none, read from the
/// nearest: whatever stands further left may be forged.
pub(crate) fn origin<'a>(
    headers: &'a HeaderMap,
    written: ProxyHeaders,
    peer: Option<SocketAddr>,
    trusted: &[Network],
) -> Origin<'a> {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    if !peer.is_some_and(|peer| is_trusted(peer.ip())) {
        return Origin::default();
    }
    match written {
        ProxyHeaders::Forwarded => forwarded(headers, is_trusted),
        ProxyHeaders::XForwarded => x_forwarded(headers, is_trusted),
    }
}

impl Client {
    /// If all are trusted, the furthest of them is the client.
    fn is_trusted(self, is_trusted: impl Fn(IpAddr) -> bool) -> bool {
        matches!(self, Self::At(address, _) if is_trusted(address))
    }
}

/// RFC 7239.
fn forwarded(headers: &HeaderMap, is_trusted: impl Fn(IpAddr) -> bool) -> Origin<'_> {
    let mut hops = headers
        .get_all(header::FORWARDED)
        .iter()
        .rev()
        .flat_map(|value| Elements(Some(value.as_bytes())))
        .take(MAX_HOPS)
        .filter(|element| element.is_none_or(|element| !element.is_empty()))
        .map(|element| element.map(Hop::of).unwrap_or_default());
    let Some(mut hop) = hops.next() else {
        return Origin::default();
    };
    let mut nearest = None;
    while hop.client.is_trusted(&is_trusted) {
        let Some(further) = hops.next() else {
            break;
        };
        nearest.get_or_insert(std::mem::replace(&mut hop, further));
    }
    let nearest = nearest.unwrap_or_default();
    Origin {
        client: hop.client,
        scheme: hop.scheme.or(nearest.scheme),
        host: hop.host.or(nearest.host),
    }
}

/// What one proxy says; nothing if it cannot be read.
#[derive(Debug)]
struct Hop<'a> {
    client: Client,
    scheme: Option<&'static str>,
    host: Option<Cow<'a, str>>,
}

impl Default for Hop<'_> {
    fn default() -> Self {
        Self {
            client: Client::Hidden,
            scheme: None,
            host: None,
        }
    }
}

impl<'a> Hop<'a> {
    fn of(element: &'a str) -> Self {
        let mut hop = Self::default();
        for pair in pairs(element) {
            let Some((name, value)) = pair.split_once('=') else {
                continue;
            };
            let (name, value) = (name.trim(), unquoted(value.trim()));
            if name.eq_ignore_ascii_case("for") {
                hop.client = node(&value);
            } else if name.eq_ignore_ascii_case("proto") {
                hop.scheme = scheme(&value);
            } else if name.eq_ignore_ascii_case("host") {
                hop.host = Some(value);
            }
        }
        hop
    }
}

/// The elements of a value, the last first. A proxy appends its own to whatever it was sent, so an open quote further
/// left must not reach into it. One whose quotes do not match is `None`, and nothing left of it is told apart.
struct Elements<'a>(Option<&'a [u8]>);

impl<'a> Iterator for Elements<'a> {
    type Item = Option<&'a str>;

    fn next(&mut self) -> Option<Self::Item> {
        let value = self.0.take()?;
        let mut quoted = false;
        for (at, byte) in value.iter().enumerate().rev() {
            match byte {
                b'"' => {
                    let before = value[..at].iter().rev();
                    let escapes = before.take_while(|byte| **byte == b'\\').count();
                    match (escapes % 2, quoted) {
                        (0, _) => quoted = !quoted,
                        (_, true) => {}
                        // Only within quotes is a quote escaped.
                        (_, false) => return Some(None),
                    }
                }
                b',' if !quoted => {
                    self.0 = Some(&value[..at]);
                    return Some(text(&value[at + 1..]));
                }
                _ => {}
            }
        }
        Some(if quoted { None } else { text(value) })
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok().map(str::trim)
}

/// The members of an element.
fn pairs(element: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    element.split(move |c| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        match c {
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            _ => {}
        }
        c == ';' && !quoted
    })
}

/// The text of a token or a quoted string.
fn unquoted(value: &str) -> Cow<'_, str> {
    let inner = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    match inner {
        Some(inner) if inner.contains('\\') => {
            let mut escaped = false;
            let kept = inner.chars().filter(|c| {
                escaped = *c == '\\' && !escaped;
                !escaped
            });
            kept.collect::<String>().into()
        }
        Some(inner) => inner.into(),
        None => value.into(),
    }
}

/// The three headers in use before RFC 7239. Where a list is not as long as that of the addresses, its members
/// cannot be told apart and the nearest proxy's counts.
fn x_forwarded(headers: &HeaderMap, is_trusted: impl Fn(IpAddr) -> bool) -> Origin<'_> {
    let (mut at, mut client) = (0, Client::Peer);
    for (hop, name) in members(headers, &X_FORWARDED_FOR).enumerate() {
        (at, client) = (hop, name.map_or(Client::Hidden, node));
        if !client.is_trusted(&is_trusted) {
            break;
        }
    }
    let beside = |name| {
        let as_many = || {
            let count = |name| members(headers, name).count();
            count(name) == count(&X_FORWARDED_FOR)
        };
        let at = if at > 0 && as_many() { at } else { 0 };
        members(headers, name).nth(at).flatten()
    };
    Origin {
        client,
        scheme: beside(&X_FORWARDED_PROTO).and_then(scheme),
        host: beside(&X_FORWARDED_HOST).map(Cow::Borrowed),
    }
}

/// The members of a list header, the last first; one that is no text is `None`.
fn members<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = Option<&'a str>> + use<'a> {
    let values = headers.get_all(name).into_iter().rev();
    values
        .flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','))
        .take(MAX_HOPS)
        .map(text)
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` or `[2001:db8::1]:80`; obfuscated and unknown nodes are hidden.
fn node(text: &str) -> Client {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Client::At(address.to_canonical(), None);
    }
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Client::At(address.ip().to_canonical(), Some(address.port()));
    }
    let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    match bare.map(str::parse::<IpAddr>) {
        Some(Ok(address)) => Client::At(address.to_canonical(), None),
        _ => Client::Hidden,
    }
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

#[cfg(test)]
#[path = "forwarded/tests.rs"]
mod tests;
