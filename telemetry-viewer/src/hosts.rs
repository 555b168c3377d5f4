//! From where a page or a program may read: a browser must not be tricked into reading for a stranger.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use axum::http::header::HOST;
use axum::http::request::Parts;

/// The host names by which the page and the API answer.
///
/// A page of another site can let its own name point to this machine (DNS rebinding) and then read as if it
/// came from here; but the browser still sends that name in the Host header.
#[derive(Clone, Debug)]
pub(crate) struct Hosts(Arc<[String]>);

impl Hosts {
    /// Loopback names, and these.
    pub(crate) fn new(allowed: &[String]) -> Self {
        Self(allowed.iter().map(|host| name(host).to_owned()).collect())
    }

    pub(crate) fn allow(&self, request: &Parts) -> bool {
        let header = request.headers.get(HOST);
        // HTTP/2 sends the host as part of the address.
        let authority = request.uri.authority().map(|it| it.as_str());
        let host = authority.or_else(|| header.and_then(|host| host.to_str().ok()));
        host.is_some_and(|host| {
            let host = name(host);
            is_loopback(host) || self.0.iter().any(|it| it.eq_ignore_ascii_case(host))
        })
    }
}

/// Whether a page of that origin was served from this machine: `http://localhost:3000`.
pub(crate) fn is_loopback_origin(origin: &str) -> bool {
    let rest = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    rest.is_some_and(|host| is_loopback(name(host)))
}

/// The host without its port.
fn name(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    match host.rsplit_once(':') {
        // More than one colon is an IPv6 address without brackets.
        Some((name, _)) if !name.contains(':') => name,
        _ => host,
    }
}

fn is_loopback(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    if name == "localhost" || name.ends_with(".localhost") {
        return true;
    }
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback(),
        Ok(IpAddr::V6(address)) => address == Ipv6Addr::LOCALHOST,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(host: &str) -> bool {
        let request = axum::http::Request::builder().header(HOST, host).body(());
        let (parts, ()) = request.unwrap().into_parts();
        Hosts::new(&["viewer.test".to_owned(), "10.0.0.5:4318".to_owned()]).allow(&parts)
    }

    #[test]
    fn loopback_names_and_those_allowed_pass_with_any_port() {
        for host in [
            "localhost",
            "LOCALHOST:4318",
            "app.localhost:1",
            "localhost.",
            "127.0.0.1:4318",
            "127.9.9.9",
            "[::1]:4318",
            "Viewer.Test:80",
            "10.0.0.5",
        ] {
            assert!(allowed(host), "{host}");
        }
    }

    #[test]
    fn names_that_only_look_like_it_do_not_pass() {
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evillocalhost",
            "10.0.0.6",
            "[::2]",
            "0.0.0.0",
            "",
        ] {
            assert!(!allowed(host), "{host}");
        }
    }

    #[test]
    fn an_origin_is_judged_by_its_host() {
        assert!(is_loopback_origin("http://localhost:3000"));
        assert!(is_loopback_origin("https://127.0.0.1"));
        for origin in [
            "null",
            "http://evil.example",
            "file://localhost",
            "localhost",
        ] {
            assert!(!is_loopback_origin(origin), "{origin}");
        }
    }
}
