//! The client of a request, as trusted proxies name it in `Forwarded` or `X-Forwarded-*`.

use std::{
    borrow::Cow,
    net::{IpAddr, SocketAddr},
};

use http::{HeaderMap, HeaderName, header};

use crate::options::trusted_proxies::{ProxyHeaders, TrustedProxies};

/// The number of hops that are read. Real deployments have fewer; the rest of a longer list is ignored.
const MAX_HOPS: usize = 32;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The statements of trusted proxies about a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Forwarded<'a> {
    pub(crate) client: ForwardedClient,
    pub(crate) scheme: Option<&'static str>,
    pub(crate) host: Option<Cow<'a, str>>,
}

/// The client that the proxies name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ForwardedClient {
    /// No proxy names a client, so the client is the other end of the connection.
    #[default]
    Peer,
    /// The proxies hide the client, or their text cannot be parsed.
    Hidden,
    At(IpAddr, Option<u16>),
}

impl<'a> Forwarded<'a> {
    /// Reads the headers that the trusted proxies write. Without a trusted peer nothing is believed.
    ///
    /// The list of hops is read from its right end. The first hop that is not a trusted proxy is the client; entries
    /// left of it may be forged.
    pub(crate) fn read(
        headers: &'a HeaderMap,
        proxies: &TrustedProxies,
        peer: Option<SocketAddr>,
    ) -> Self {
        let is_trusted = |address: IpAddr| proxies.contains(address);
        if !peer.is_some_and(|peer| is_trusted(peer.ip())) {
            return Self::default();
        }
        match proxies.headers {
            ProxyHeaders::Forwarded => forwarded(headers, is_trusted),
            ProxyHeaders::XForwarded => x_forwarded(headers, is_trusted),
        }
    }
}

impl ForwardedClient {
    /// Returns true for a trusted proxy. If all hops are trusted, the furthest one is the client.
    fn is_trusted(self, is_trusted: impl Fn(IpAddr) -> bool) -> bool {
        matches!(self, Self::At(address, _) if is_trusted(address))
    }
}

/// Reads `Forwarded` (RFC 7239).
fn forwarded(headers: &HeaderMap, is_trusted: impl Fn(IpAddr) -> bool) -> Forwarded<'_> {
    let mut hops = headers
        .get_all(header::FORWARDED)
        .iter()
        .rev()
        .flat_map(|value| Elements(Some(value.as_bytes())))
        .take(MAX_HOPS)
        .filter(|element| element.is_none_or(|element| !element.is_empty()))
        .map(|element| element.map(Hop::of).unwrap_or_default());
    let Some(mut hop) = hops.next() else {
        return Forwarded::default();
    };
    let mut nearest = None;
    while hop.client.is_trusted(&is_trusted) {
        let Some(further) = hops.next() else {
            break;
        };
        nearest.get_or_insert(std::mem::replace(&mut hop, further));
    }
    let nearest = nearest.unwrap_or_default();
    Forwarded {
        client: hop.client,
        scheme: hop.scheme.or(nearest.scheme),
        host: hop.host.or(nearest.host),
    }
}

/// The statements of one proxy. The default stands for text that cannot be parsed.
#[derive(Debug)]
struct Hop<'a> {
    client: ForwardedClient,
    scheme: Option<&'static str>,
    host: Option<Cow<'a, str>>,
}

impl Default for Hop<'_> {
    fn default() -> Self {
        Self {
            client: ForwardedClient::Hidden,
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

/// Iterates over the elements of a header's value, the last one first.
///
/// A proxy appends its element to the text that it was sent, so an open quote further left must not affect that
/// element. An element with unbalanced quotes is `None`, and the iteration ends there.
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
                        // A quote is escaped only within quotes.
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

/// Splits an element into its `name=value` pairs.
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

/// The text of a token, or of a quoted string without its quotes and escapes.
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

/// Reads `X-Forwarded-For`, `-Proto` and `-Host`. If the list of one header is not as long as the list of addresses,
/// its members cannot be assigned to hops; then the member of the nearest proxy is used.
fn x_forwarded(headers: &HeaderMap, is_trusted: impl Fn(IpAddr) -> bool) -> Forwarded<'_> {
    let (mut at, mut client) = (0, ForwardedClient::Peer);
    for (hop, name) in members(headers, &X_FORWARDED_FOR).enumerate() {
        (at, client) = (hop, name.map_or(ForwardedClient::Hidden, node));
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
    Forwarded {
        client,
        scheme: beside(&X_FORWARDED_PROTO).and_then(scheme),
        host: beside(&X_FORWARDED_HOST).map(Cow::Borrowed),
    }
}

/// Iterates over the members of a list header, the last one first. A member that is not valid UTF-8 is `None`.
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

/// Parses `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` or `[2001:db8::1]:80`. Obfuscated and unknown nodes are hidden.
fn node(text: &str) -> ForwardedClient {
    if let Ok(address) = text.parse::<IpAddr>() {
        return ForwardedClient::At(address.to_canonical(), None);
    }
    if let Ok(address) = text.parse::<SocketAddr>() {
        return ForwardedClient::At(address.ip().to_canonical(), Some(address.port()));
    }
    let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    match bare.map(str::parse::<IpAddr>) {
        Some(Ok(address)) => ForwardedClient::At(address.to_canonical(), None),
        _ => ForwardedClient::Hidden,
    }
}

/// `http` or `https`, also for WebSockets, whose handshakes are requests of these. Other schemes are ignored, because a
/// label must come from a bounded set.
fn scheme(proto: &str) -> Option<&'static str> {
    let is = |scheme: &str| proto.eq_ignore_ascii_case(scheme);
    if is("https") || is("wss") {
        Some("https")
    } else if is("http") || is("ws") {
        Some("http")
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
