//! What a request says of itself, as span attributes.

use std::sync::Arc;

use axum::extract::{MatchedPath, OriginalUri};
use http::{Extensions, Request, Uri, Version, header, uri::Scheme};
use opentelemetry::KeyValue;
use telemetry_core::semconv_http::{
    self,
    attribute::{
        CLIENT_ADDRESS, CLIENT_PORT, HTTP_REQUEST_METHOD, HTTP_REQUEST_METHOD_ORIGINAL, HTTP_ROUTE,
        NETWORK_PEER_ADDRESS, NETWORK_PEER_PORT, NETWORK_PROTOCOL_VERSION, NETWORK_TRANSPORT,
        SERVER_ADDRESS, SERVER_PORT, URL_PATH, URL_QUERY, URL_SCHEME, USER_AGENT_ORIGINAL,
    },
};

use crate::{
    endpoint::{Asked, Endpoint, Endpoints},
    metrics::scheme,
    operation::Operation,
    options::Options,
    origin::{self, Client, Origin},
};

/// The facts of a request that its metrics need, too.
#[derive(Debug)]
pub(crate) struct RequestFacts {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) https: bool,
    pub(crate) version: Version,
    /// The response has no body, whatever it is.
    pub(crate) bodiless: bool,
    /// If it succeeds, what follows is no body but the tunnel.
    pub(crate) tunnels: bool,
}

impl RequestFacts {
    pub(crate) fn of<B>(
        request: &Request<B>,
        caller: &Caller<'_>,
        options: &Options,
        endpoints: &Endpoints,
    ) -> Self {
        let extensions = request.extensions();
        let route = match extensions.get::<MatchedPath>() {
            Some(path) => Some(path.as_str()),
            None => extensions.get::<Operation>().map(Operation::route),
        };
        // A request without a scheme came over a plain connection: axum itself terminates no TLS.
        let https = match (caller.origin.scheme, options.https) {
            (Some(scheme), _) => scheme == "https",
            (None, Some(https)) => https,
            (None, None) => request.uri().scheme() == Some(&Scheme::HTTPS),
        };
        let known_server = options.known_server(|| caller.asked_for(request), https);
        Self {
            endpoint: endpoints.of(Asked {
                method: options.methods.known(request.method()),
                route,
                known_server,
            }),
            https,
            version: request.version(),
            bodiless: request.method() == http::Method::HEAD,
            tunnels: request.method() == http::Method::CONNECT,
        }
    }

    /// `url.scheme`.
    pub(crate) fn scheme(&self) -> &'static str {
        scheme(self.https)
    }

    /// Names an operation that nothing has named yet; whether it did.
    pub(crate) fn name(&mut self, operation: &Operation, endpoints: &Endpoints) -> bool {
        let unnamed = self.endpoint.route.is_none();
        if unnamed {
            self.endpoint = endpoints.of(Asked {
                method: self.endpoint.method,
                route: Some(operation.route()),
                known_server: self.endpoint.known_server,
            });
        }
        unnamed
    }
}

/// What the caller asked for: a router that is nested in another sees only the rest of the path.
pub(crate) fn uri<B>(request: &Request<B>) -> &Uri {
    match request.extensions().get::<OriginalUri>() {
        Some(OriginalUri(uri)) => uri,
        None => request.uri(),
    }
}

/// Who asks, as far as it is known.
#[derive(Debug)]
pub(crate) struct Caller<'a> {
    extensions: &'a Extensions,
    origin: Origin<'a>,
}

impl<'a> Caller<'a> {
    pub(crate) fn of<B>(request: &'a Request<B>, options: &Options) -> Self {
        let extensions = request.extensions();
        let origin = if options.proxies.is_empty() {
            Origin::default()
        } else {
            let peer = options.peer_address(extensions);
            let written = options.proxy_headers;
            origin::origin(request.headers(), written, peer, &options.proxies)
        };
        Self { extensions, origin }
    }

    /// The host, perhaps with its port, that was asked for.
    pub(crate) fn asked_for<'b, B>(&'b self, request: &'b Request<B>) -> Option<&'b str> {
        match (&self.origin.host, request.uri().authority()) {
            (Some(host), _) => Some(host),
            (None, Some(authority)) => Some(authority.as_str()),
            (None, None) => request.headers().get(header::HOST)?.to_str().ok(),
        }
    }

    /// The attributes of the connection.
    pub(crate) fn network(&self, options: &Options, attributes: &mut Vec<KeyValue>) {
        let peer = options
            .peer_address(self.extensions)
            .map(|peer| (peer.ip().to_canonical(), Some(peer.port())));
        let client = match self.origin.client {
            Client::Peer => peer,
            Client::Hidden => None,
            Client::At(address, port) => Some((address, port)),
        };
        if let Some((client, port)) = client {
            attributes.push(KeyValue::new(CLIENT_ADDRESS, client.to_string()));
            if options.client_port {
                attributes.extend(port.map(|port| KeyValue::new(CLIENT_PORT, i64::from(port))));
            }
        }
        if let Some((peer, Some(port))) = peer {
            attributes.push(KeyValue::new(NETWORK_PEER_ADDRESS, peer.to_string()));
            attributes.push(KeyValue::new(NETWORK_PEER_PORT, i64::from(port)));
            if options.network_transport {
                // An address with a port under HTTP up to version 2 is TCP's.
                attributes.push(KeyValue::new(NETWORK_TRANSPORT, "tcp"));
            }
        }
    }
}

/// The longest value that a caller can give an attribute, in bytes: what is longer tells an operator nothing more, and a
/// server accepts headers of hundreds of kilobytes. Limits of configuration (OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT) are
/// applied when spans are exported and may be lower.
pub(crate) const MAX_VALUE: usize = 4096;

/// The text, cut to [`MAX_VALUE`].
pub(crate) fn short(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_VALUE)]
}

/// The attributes known when the span starts, among them all that samplers may decide by.
pub(crate) fn at_start<B>(
    facts: &RequestFacts,
    caller: &Caller<'_>,
    request: &Request<B>,
    options: &Options,
) -> Vec<KeyValue> {
    // Room for those set at the end, so that they do not move the vector.
    let mut attributes = Vec::with_capacity(18);
    let uri = uri(request);
    let endpoint = &*facts.endpoint;
    let (method, route) = (&endpoint.method, &endpoint.route);
    attributes.push(KeyValue::new(HTTP_REQUEST_METHOD, *method));
    if *method == semconv_http::OTHER_METHOD {
        attributes.push(KeyValue::new(
            HTTP_REQUEST_METHOD_ORIGINAL,
            short(request.method().as_str()).to_owned(),
        ));
    }
    attributes.push(KeyValue::new(URL_PATH, short(uri.path()).to_owned()));
    if let Some(query) = uri.query().filter(|query| !query.is_empty()) {
        let redacted = semconv_http::redact_query_with(query, &options.redacted_query_keys);
        attributes.push(KeyValue::new(URL_QUERY, short(&redacted).to_owned()));
    }
    attributes.push(KeyValue::new(URL_SCHEME, facts.scheme()));
    let version = semconv_http::protocol_version(facts.version);
    attributes.push(KeyValue::new(NETWORK_PROTOCOL_VERSION, version));
    if let Some(route) = route {
        attributes.push(KeyValue::new(HTTP_ROUTE, route.clone()));
    }
    let server = caller.asked_for(request);
    if let Some((host, port)) = server.and_then(|text| endpoint.server.value(text)) {
        attributes.push(KeyValue::new(SERVER_ADDRESS, host));
        let port = port.or_else(|| semconv_http::default_port(facts.scheme()));
        attributes.extend(port.map(|port| KeyValue::new(SERVER_PORT, i64::from(port))));
    }
    caller.network(options, &mut attributes);
    if let Some(agent) = request
        .headers()
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
    {
        let agent = endpoint.user_agent.value(short(agent));
        attributes.push(KeyValue::new(USER_AGENT_ORIGINAL, agent));
    }
    let captured = options
        .request_headers
        .attributes(request.headers(), &options.redacted_headers);
    attributes.extend(captured);
    attributes
}
