//! The head of a request, read with the options of the layer.

use axum::extract::{MatchedPath, OriginalUri};
use http::{Extensions, HeaderMap, Method, Request, Uri, Version, header, uri::Scheme};
use telemetry_semconv::http::Authority;

use super::{forwarded::Forwarded, unix_socket::UnixSocket};
use crate::{handler::operation_name::Operation, options::LayerOptions};

/// The head of a request that has just arrived. The span and all handles of metrics are made from it; nothing of it is
/// kept.
#[derive(Debug)]
pub(crate) struct IncomingRequest<'a> {
    pub(crate) options: &'a LayerOptions,
    pub(crate) method: &'a Method,
    pub(crate) version: Version,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) extensions: &'a Extensions,
    /// The statements of trusted proxies about the caller.
    pub(crate) forwarded: Forwarded<'a>,
    /// True for `https`, false for `http`.
    pub(crate) https: bool,
    uri: &'a Uri,
}

impl<'a> IncomingRequest<'a> {
    pub(crate) fn new<B>(request: &'a Request<B>, options: &'a LayerOptions) -> Self {
        let (headers, extensions) = (request.headers(), request.extensions());
        let proxies = &options.trusted_proxies;
        let forwarded = if proxies.networks.is_empty() {
            Forwarded::default()
        } else {
            Forwarded::read(headers, proxies, options.peer_address(extensions))
        };
        let https = match (forwarded.scheme, options.https) {
            (Some(scheme), _) => scheme == "https",
            (None, Some(https)) => https,
            // axum does not terminate TLS, so a request without a scheme came over a plain connection.
            (None, None) => request.uri().scheme() == Some(&Scheme::HTTPS),
        };
        Self {
            options,
            method: request.method(),
            version: request.version(),
            headers,
            extensions,
            forwarded,
            https,
            uri: request.uri(),
        }
    }

    /// The method if it is a known one, else `_OTHER`.
    pub(crate) fn known_method(&self) -> &'static str {
        let options = self.options;
        let methods = options.known_methods.get(options.providers.as_ref());
        methods.known(self.method)
    }

    /// The route that the outer router has matched, or the operation that somebody has put on the request.
    pub(crate) fn route(&self) -> Option<&'a str> {
        match matched_route(self.extensions) {
            Some(route) => Some(route),
            None => self.extensions.get::<Operation>().map(Operation::route),
        }
    }

    /// `url.scheme`.
    pub(crate) fn scheme(&self) -> &'static str {
        scheme(self.https)
    }

    /// The whole URI that the caller has sent.
    pub(crate) fn uri(&self) -> &'a Uri {
        original_uri(self.extensions, self.uri)
    }

    /// The path that this service is asked for, without the prefix of an outer router.
    pub(crate) fn local_path(&self) -> &'a str {
        self.uri.path()
    }

    /// The requested host, with its port if the caller has sent one.
    pub(crate) fn host(&self) -> Option<&str> {
        match (&self.forwarded.host, self.uri.authority()) {
            (Some(host), _) => Some(host),
            (None, Some(authority)) => Some(authority.as_str()),
            (None, None) => self.headers.get(header::HOST)?.to_str().ok(),
        }
    }

    /// The Unix socket over which the request came; `None` for TCP.
    pub(crate) fn unix_socket(&self) -> Option<&'a UnixSocket> {
        self.extensions.get()
    }

    /// The requested server, if it is one that metrics tell apart.
    pub(crate) fn known_server(&self) -> Option<Authority<'static>> {
        let servers = &self.options.known_servers;
        if servers.is_empty() {
            return None;
        }
        servers.find(self.host()?, self.scheme())
    }
}

/// The value of `url.scheme`.
pub(crate) fn scheme(https: bool) -> &'static str {
    if https { "https" } else { "http" }
}

/// The URI as the caller has sent it: a router that is nested in another sees only the rest of the path.
pub(crate) fn original_uri<'a>(extensions: &'a Extensions, uri: &'a Uri) -> &'a Uri {
    match extensions.get::<OriginalUri>() {
        Some(OriginalUri(original)) => original,
        None => uri,
    }
}

/// The template of the route that a router has matched.
pub(crate) fn matched_route(extensions: &Extensions) -> Option<&str> {
    extensions.get::<MatchedPath>().map(MatchedPath::as_str)
}
