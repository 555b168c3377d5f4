//! The HTTP conventions as pure functions: names, attributes, status rule, redaction, buckets.
//!
//! Source: OpenTelemetry semantic conventions 1.44, HTTP spans and HTTP metrics, stable parts.

mod methods;

pub use methods::{KNOWN_METHODS, KnownMethods};

use std::borrow::Cow;

use http::{Method, Version};

use crate::redact;

/// Attribute names.
pub mod attribute {
    /// The requesting client, as far as it is known: the peer, unless a trusted proxy says otherwise.
    pub const CLIENT_ADDRESS: &str = "client.address";
    /// Opt-in: the client's port.
    pub const CLIENT_PORT: &str = "client.port";
    /// What went wrong, from a bounded set; absent on success.
    pub const ERROR_TYPE: &str = "error.type";
    /// The method if known, else `_OTHER`.
    pub const HTTP_REQUEST_METHOD: &str = "http.request.method";
    /// The method as sent, when it is not the known one.
    pub const HTTP_REQUEST_METHOD_ORIGINAL: &str = "http.request.method_original";
    /// The ordinal of a resend, from 1.
    pub const HTTP_REQUEST_RESEND_COUNT: &str = "http.request.resend_count";
    /// The status code, an integer.
    pub const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";
    /// Opt-in: the bytes of the request's body as transferred, an integer.
    pub const HTTP_REQUEST_BODY_SIZE: &str = "http.request.body.size";
    /// Opt-in: the bytes of the response's body as transferred, an integer.
    pub const HTTP_RESPONSE_BODY_SIZE: &str = "http.response.body.size";
    /// The matched route template.
    pub const HTTP_ROUTE: &str = "http.route";
    /// The address of the other end of the socket.
    pub const NETWORK_PEER_ADDRESS: &str = "network.peer.address";
    /// The port of the other end of the socket.
    pub const NETWORK_PEER_PORT: &str = "network.peer.port";
    /// `1.0`, `1.1`, `2` or `3`.
    pub const NETWORK_PROTOCOL_VERSION: &str = "network.protocol.version";
    /// Opt-in: `tcp`, `udp`, `quic` or `unix`.
    pub const NETWORK_TRANSPORT: &str = "network.transport";
    /// The host that was asked for, without its port.
    pub const SERVER_ADDRESS: &str = "server.address";
    /// The port that was asked for, an integer.
    pub const SERVER_PORT: &str = "server.port";
    /// The whole URL, redacted.
    pub const URL_FULL: &str = "url.full";
    /// The path.
    pub const URL_PATH: &str = "url.path";
    /// The query, redacted.
    pub const URL_QUERY: &str = "url.query";
    /// `http` or `https`.
    pub const URL_SCHEME: &str = "url.scheme";
    /// Opt-in: the low-cardinality template of the path.
    pub const URL_TEMPLATE: &str = "url.template";
    /// The User-Agent header.
    pub const USER_AGENT_ORIGINAL: &str = "user_agent.original";
}

/// `http.server.request.duration`, a histogram of seconds.
pub const SERVER_REQUEST_DURATION: &str = "http.server.request.duration";
/// `http.server.active_requests`, an up-down counter of `{request}`.
pub const SERVER_ACTIVE_REQUESTS: &str = "http.server.active_requests";
/// `http.server.request.body.size`, a histogram of `By`; opt-in.
pub const SERVER_REQUEST_BODY_SIZE: &str = "http.server.request.body.size";
/// `http.server.response.body.size`, a histogram of `By`; opt-in.
pub const SERVER_RESPONSE_BODY_SIZE: &str = "http.server.response.body.size";
/// `http.client.request.duration`, a histogram of seconds.
pub const CLIENT_REQUEST_DURATION: &str = "http.client.request.duration";
/// `http.client.active_requests`, an up-down counter of `{request}`. Opt-in.
pub const CLIENT_ACTIVE_REQUESTS: &str = "http.client.active_requests";
/// `http.client.request.body.size`, a histogram of `By`. Opt-in.
pub const CLIENT_REQUEST_BODY_SIZE: &str = "http.client.request.body.size";
/// `http.client.response.body.size`, a histogram of `By`. Opt-in.
pub const CLIENT_RESPONSE_BODY_SIZE: &str = "http.client.response.body.size";

/// The bucket bounds the convention advises for both durations, in seconds.
pub const DURATION_BOUNDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// Bucket bounds for body sizes, in bytes: from an empty body in steps of eight to 16 MiB. The convention advises
/// none, and the SDK's own end at 10 kB.
pub const BODY_SIZE_BOUNDS: [f64; 9] = [
    0.0,
    64.0,
    512.0,
    4096.0,
    32768.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
];

/// The value of `http.request.method` for a method that is not known.
pub const OTHER_METHOD: &str = "_OTHER";

/// `http.request.method`: the method if it is one of the convention's, else `_OTHER`. Case matters. The list is the one of
/// 1.44: RFC 9110, PATCH and QUERY.
pub fn known_method(method: &Method) -> &'static str {
    match method.as_str() {
        "CONNECT" => "CONNECT",
        "DELETE" => "DELETE",
        "GET" => "GET",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        "PATCH" => "PATCH",
        "POST" => "POST",
        "PUT" => "PUT",
        "QUERY" => "QUERY",
        "TRACE" => "TRACE",
        _ => OTHER_METHOD,
    }
}

/// The span name: method and target, where the target is a route or URL template and never a path.
pub fn span_name(method: &'static str, target: Option<&str>) -> Cow<'static, str> {
    let method = if method == OTHER_METHOD {
        "HTTP"
    } else {
        method
    };
    match target {
        Some(target) => [method, " ", target].concat().into(),
        None => method.into(),
    }
}

/// `network.protocol.version`.
pub fn protocol_version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}

/// Whether a status makes a server span an error: 5xx does, 4xx is the client's fault and does not.
pub fn is_server_error(status: u16) -> bool {
    status >= 500
}

/// Whether a status makes a client span an error: 4xx and 5xx do.
pub fn is_client_error(status: u16) -> bool {
    status >= 400
}

/// The port a scheme implies.
pub fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// A host header or authority, parsed: `server.address` never contains the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Authority<'a> {
    /// The host; an IPv6 address without its brackets.
    pub host: &'a str,
    /// The port, if one is given.
    pub port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Parses `host`, `host:port`, `[v6]` or `[v6]:port`, ignoring user information. `None` if it is none of these.
    pub fn parse(authority: &'a str) -> Option<Self> {
        let bytes = authority.as_bytes();
        // Searching bytes is several times cheaper than searching characters, and this is asked for every request.
        let authority = match bytes.iter().rposition(|b| *b == b'@') {
            Some(at) => &authority[at + 1..],
            None => authority,
        };
        let (host, port) = match authority.strip_prefix('[') {
            Some(v6) => {
                let (host, rest) = v6.split_once(']')?;
                (
                    host,
                    rest.strip_prefix(':')
                        .or_else(|| rest.is_empty().then_some(""))?,
                )
            }
            None => match authority.bytes().position(|b| b == b':') {
                Some(at) => (&authority[..at], &authority[at + 1..]),
                None => (authority, ""),
            },
        };
        let port = if port.is_empty() {
            None
        } else {
            Some(port.parse().ok()?)
        };
        let plausible = |b: u8| {
            b.is_ascii_graphic()
                && !matches!(
                    b,
                    b'/' | b'?' | b'#' | b'\\' | b'"' | b'<' | b'>' | b'[' | b']'
                )
        };
        (!host.is_empty() && host.len() <= 255 && host.bytes().all(plausible))
            .then_some(Self { host, port })
    }
}

/// [`redact::query`] with the default names.
pub fn redact_query(query: &str) -> Cow<'_, str> {
    redact_query_with::<&str>(query, &[])
}

/// [`redact::query`] with the default names and these, which count in any form.
pub fn redact_query_with<'q, K: AsRef<str>>(query: &'q str, also: &[K]) -> Cow<'q, str> {
    redact::query(query, also)
}

/// True if [`redact_query_with`] would replace anything.
pub fn has_secret<K: AsRef<str>>(query: &str, also: &[K]) -> bool {
    redact::has_credential(query, also)
}

/// [`redact::url`] with the default names.
pub fn redact_url(url: &str) -> Cow<'_, str> {
    redact_url_with::<&str>(url, &[])
}

/// [`redact::url`] with the default names and these, which count in any form.
pub fn redact_url_with<'a, K: AsRef<str>>(url: &'a str, also: &[K]) -> Cow<'a, str> {
    redact::url(url, also)
}

#[cfg(test)]
mod tests;
