//! The address in a setting, by the rules of the OTLP exporter specification.

use std::path::PathBuf;

use http::Uri;
use telemetry_semconv::http::Authority;

use super::protocol::Facts;

/// Where to connect to, and the URL to ask for.
#[derive(Debug)]
pub(crate) struct Address {
    pub(crate) url: Uri,
    /// The socket of this machine to connect to instead of the URL's host.
    pub(crate) socket: Option<PathBuf>,
    /// Scheme, host and port, without credentials: fit for a log line.
    pub(crate) origin: String,
}

/// Reads an endpoint. The error says why it is not one, without its value.
///
/// For HTTP, an endpoint of the signal alone is used as it is; the general one is a base to which the path is added.
pub(crate) fn parse(
    text: &str,
    protocol: &Facts,
    is_own: bool,
    path: &str,
    is_insecure: bool,
) -> Result<Address, String> {
    if let Some(socket) = text.strip_prefix("unix:") {
        return unix(socket, path);
    }
    let absolute = if protocol.scheme_is_optional && !text.contains("://") {
        // It is https unless said to be insecure, as the specification has it.
        let scheme = if is_insecure { "http" } else { "https" };
        format!("{scheme}://{text}")
    } else {
        text.to_owned()
    };
    let added = (protocol.has_paths && !is_own).then_some(path);
    let absolute = with_path(&absolute, added);
    let url: Uri = absolute
        .parse()
        .map_err(|error: http::uri::InvalidUri| error.to_string())?;
    match (url.scheme_str(), url.host()) {
        (Some("http" | "https"), Some(host)) if !host.is_empty() => {}
        (Some("http" | "https"), _) => return Err("it has no host".to_owned()),
        _ => return Err("it does not start with http://, https:// or unix:".to_owned()),
    }
    let authority = url.authority().map_or("", |authority| authority.as_str());
    let bare = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    // Parsing lets any text pass as a port, and part of a password with a slash in it can end up there.
    if Authority::parse(bare).is_none() {
        return Err("its host or port is not one".to_owned());
    }
    let origin = format!("{}://{bare}", url.scheme_str().unwrap_or_default());
    Ok(Address {
        url,
        socket: None,
        origin,
    })
}

/// Without a fragment, which is never sent, and with a path added before the query.
fn with_path(url: &str, path: Option<&str>) -> String {
    let url = url.split('#').next().unwrap_or_default();
    let Some(path) = path else {
        return url.to_owned();
    };
    let (base, query) = match url.split_once('?') {
        Some((base, query)) => (base, format!("?{query}")),
        None => (url, String::new()),
    };
    format!("{}/{path}{query}", base.trim_end_matches('/'))
}

/// A socket of this machine, as gRPC names it: `unix:path` or `unix:///path`.
fn unix(socket: &str, path: &str) -> Result<Address, String> {
    if cfg!(not(unix)) {
        return Err("sockets of the file system are not supported on this system".to_owned());
    }
    let socket = match socket.strip_prefix("//") {
        Some(absolute) if absolute.starts_with('/') => absolute,
        Some(_) => return Err("a socket with a host is not one of this machine".to_owned()),
        None => socket,
    };
    if socket.is_empty() {
        return Err("it has no path of a socket".to_owned());
    }
    let url = format!("http://localhost/{path}").parse();
    Ok(Address {
        url: url.map_err(|error: http::uri::InvalidUri| error.to_string())?,
        socket: Some(PathBuf::from(socket)),
        origin: format!("unix:{socket}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::protocol::Protocol;

    fn url(text: &str, protocol: Protocol, is_own: bool) -> String {
        let address = parse(text, &protocol.facts(), is_own, "v1/traces", false).unwrap();
        address.url.to_string()
    }

    #[test]
    fn the_path_is_added_before_the_query_and_fragments_are_not_sent() {
        for (base, expected) in [
            ("http://h", "http://h/v1/traces"),
            ("http://h/", "http://h/v1/traces"),
            ("http://h/base", "http://h/base/v1/traces"),
            ("http://h/base//", "http://h/base/v1/traces"),
            (
                "http://h/base?api-key=k",
                "http://h/base/v1/traces?api-key=k",
            ),
            ("http://h?api-key=k/", "http://h/v1/traces?api-key=k/"),
            ("http://h/base#part", "http://h/base/v1/traces"),
            (
                "http://h/base?a=1&b=2#part?c=3",
                "http://h/base/v1/traces?a=1&b=2",
            ),
        ] {
            assert_eq!(url(base, Protocol::HttpProtobuf, false), expected, "{base}");
            assert_eq!(url(base, Protocol::HttpJson, false), expected, "{base}");
        }
    }

    #[test]
    fn an_endpoint_of_a_signal_is_used_as_it_is_but_for_its_fragment() {
        for (own, expected) in [
            ("http://h/in?key=k", "http://h/in?key=k"),
            ("http://h/in#part", "http://h/in"),
            ("http://h", "http://h/"),
        ] {
            assert_eq!(url(own, Protocol::HttpProtobuf, true), expected, "{own}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn sockets_are_named_as_grpc_names_them() {
        for (text, socket) in [
            ("unix:///run/otel.sock", "/run/otel.sock"),
            ("unix:/run/otel.sock", "/run/otel.sock"),
            ("unix:otel.sock", "otel.sock"),
        ] {
            for protocol in Protocol::ALL {
                let address = parse(text, &protocol.facts(), false, "v1/traces", false).unwrap();
                assert_eq!(address.socket, Some(PathBuf::from(socket)), "{text}");
                assert_eq!(address.origin, format!("unix:{socket}"));
            }
        }
        for wrong in ["unix:", "unix://host/run/otel.sock", "unix://"] {
            let facts = Protocol::Grpc.facts();
            assert!(
                parse(wrong, &facts, false, "v1/traces", false).is_err(),
                "{wrong}"
            );
        }
    }
}
