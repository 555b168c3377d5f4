//! What a request says of itself, as span attributes.

use std::net::SocketAddr;

use axum::extract::MatchedPath;
use http::{Request, header};
use opentelemetry::KeyValue;
use telemetry_core::semconv_http::{
    self, Authority,
    attribute::{
        CLIENT_ADDRESS, CLIENT_PORT, HTTP_REQUEST_METHOD, HTTP_REQUEST_METHOD_ORIGINAL, HTTP_ROUTE,
        NETWORK_PEER_ADDRESS, NETWORK_PEER_PORT, NETWORK_PROTOCOL_VERSION, NETWORK_TRANSPORT,
        SERVER_ADDRESS, SERVER_PORT, URL_PATH, URL_QUERY, URL_SCHEME, USER_AGENT_ORIGINAL,
    },
};

use crate::{
    network::{self, Origin},
    operation::Operation,
    options::Options,
};

/// The facts of a request that its metrics need, too.
#[derive(Debug)]
pub(crate) struct RequestFacts {
    pub(crate) method: &'static str,
    pub(crate) scheme: &'static str,
    pub(crate) version: &'static str,
    pub(crate) bodiless: bool,
    operation: Option<Operation>,
}

impl RequestFacts {
    pub(crate) fn of<B>(request: &Request<B>, origin: &Origin<'_>, options: &Options) -> Self {
        let extensions = request.extensions();
        Self {
            method: options.methods.known(request.method()),
            // A request without a scheme came over a plain connection: axum itself terminates no TLS.
            scheme: origin
                .scheme
                .unwrap_or(if request.uri().scheme_str() == Some("https") {
                    "https"
                } else {
                    "http"
                }),
            version: semconv_http::protocol_version(request.version()),
            bodiless: request.method() == http::Method::HEAD,
            operation: match extensions.get::<MatchedPath>() {
                Some(path) => Some(Operation::matched(path.clone())),
                None => extensions.get::<Operation>().cloned(),
            },
        }
    }

    /// The matched route; none for an unmatched request, whose path must not stand in for it.
    pub(crate) fn route(&self) -> Option<&str> {
        self.operation.as_ref().map(Operation::route)
    }

    /// Names an operation that nothing has named yet; whether it did.
    pub(crate) fn name(&mut self, operation: &Operation) -> bool {
        let unnamed = self.operation.is_none();
        if unnamed {
            self.operation = Some(operation.clone());
        }
        unnamed
    }
}

/// Who asks, as far as it is known.
#[derive(Debug)]
pub(crate) struct Caller<'a> {
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) origin: Origin<'a>,
}

impl<'a> Caller<'a> {
    pub(crate) fn of<B>(request: &'a Request<B>, options: &Options) -> Self {
        let peer = options.peer_address(request.extensions());
        let origin = if options.proxies.is_empty() {
            Origin::default()
        } else {
            network::origin(request.headers(), peer, &options.proxies)
        };
        Self { peer, origin }
    }

    /// The address that was asked for.
    pub(crate) fn server<B>(&self, request: &'a Request<B>) -> Option<Authority<'a>> {
        let text = match (self.origin.host, request.uri().authority()) {
            (Some(host), _) => host,
            (None, Some(authority)) => authority.as_str(),
            (None, None) => request.headers().get(header::HOST)?.to_str().ok()?,
        };
        Authority::parse(text)
    }

    /// The attributes of the connection.
    pub(crate) fn network(&self, options: &Options, attributes: &mut Vec<KeyValue>) {
        let peer = self
            .peer
            .map(|peer| (peer.ip().to_canonical(), Some(peer.port())));
        if let Some((client, port)) = self.origin.client.or(peer) {
            attributes.push(KeyValue::new(CLIENT_ADDRESS, client.to_string()));
            attributes.extend(port.map(|port| KeyValue::new(CLIENT_PORT, i64::from(port))));
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

/// The attributes known when the span starts, among them all that samplers may decide by.
pub(crate) fn at_start<B>(
    facts: &RequestFacts,
    kept_route: Option<&'static str>,
    caller: &Caller<'_>,
    request: &Request<B>,
    options: &Options,
) -> Vec<KeyValue> {
    // Room for those set at the end, so that they do not move the vector.
    let mut attributes = Vec::with_capacity(18);
    let uri = request.uri();
    attributes.push(KeyValue::new(HTTP_REQUEST_METHOD, facts.method));
    if facts.method == semconv_http::OTHER_METHOD {
        attributes.push(KeyValue::new(
            HTTP_REQUEST_METHOD_ORIGINAL,
            request.method().as_str().to_owned(),
        ));
    }
    attributes.push(KeyValue::new(URL_PATH, uri.path().to_owned()));
    if let Some(query) = uri.query().filter(|query| !query.is_empty()) {
        let redacted = semconv_http::redact_query_with(query, &options.redacted_query_keys);
        attributes.push(KeyValue::new(URL_QUERY, redacted.into_owned()));
    }
    attributes.push(KeyValue::new(URL_SCHEME, facts.scheme));
    attributes.push(KeyValue::new(NETWORK_PROTOCOL_VERSION, facts.version));
    match (kept_route, facts.route()) {
        (Some(route), _) => attributes.push(KeyValue::new(HTTP_ROUTE, route)),
        (None, Some(route)) => attributes.push(KeyValue::new(HTTP_ROUTE, route.to_owned())),
        (None, None) => {}
    }
    if let Some(Authority { host, port }) = caller.server(request) {
        attributes.push(KeyValue::new(SERVER_ADDRESS, host.to_owned()));
        let port = port.or_else(|| semconv_http::default_port(facts.scheme));
        attributes.extend(port.map(|port| KeyValue::new(SERVER_PORT, i64::from(port))));
    }
    caller.network(options, &mut attributes);
    if let Some(agent) = request
        .headers()
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
    {
        attributes.push(KeyValue::new(USER_AGENT_ORIGINAL, agent.to_owned()));
    }
    let captured = options
        .request_headers
        .attributes(request.headers(), &options.redacted_headers);
    attributes.extend(captured);
    attributes
}
