//! What a request says of itself, as span attributes.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, MatchedPath};
use http::{Request, header};
use opentelemetry::KeyValue;
use telemetry_core::semconv_http::{
    self, Authority,
    attribute::{
        CLIENT_ADDRESS, CLIENT_PORT, HTTP_REQUEST_METHOD, HTTP_REQUEST_METHOD_ORIGINAL, HTTP_ROUTE,
        NETWORK_PEER_ADDRESS, NETWORK_PEER_PORT, NETWORK_PROTOCOL_VERSION, SERVER_ADDRESS,
        SERVER_PORT, URL_PATH, URL_QUERY, URL_SCHEME, USER_AGENT_ORIGINAL,
    },
};

/// The facts of a request that its metrics need, too.
#[derive(Debug)]
pub(crate) struct RequestFacts {
    pub(crate) method: &'static str,
    pub(crate) scheme: &'static str,
    pub(crate) version: &'static str,
    pub(crate) bodiless: bool,
    route: Option<MatchedPath>,
}

impl RequestFacts {
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        Self {
            method: semconv_http::known_method(request.method()),
            // A request without a scheme came over a plain connection: axum itself terminates no TLS.
            scheme: if request.uri().scheme_str() == Some("https") {
                "https"
            } else {
                "http"
            },
            version: semconv_http::protocol_version(request.version()),
            bodiless: request.method() == http::Method::HEAD,
            route: request.extensions().get::<MatchedPath>().cloned(),
        }
    }

    /// The matched route; none for an unmatched request, whose path must not stand in for it.
    pub(crate) fn route(&self) -> Option<&str> {
        self.route.as_ref().map(MatchedPath::as_str)
    }
}

/// The attributes known when the span starts, among them all that samplers may decide by.
pub(crate) fn at_start<B>(facts: &RequestFacts, request: &Request<B>) -> Vec<KeyValue> {
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
        attributes.push(KeyValue::new(
            URL_QUERY,
            semconv_http::redact_query(query).into_owned(),
        ));
    }
    attributes.push(KeyValue::new(URL_SCHEME, facts.scheme));
    attributes.push(KeyValue::new(NETWORK_PROTOCOL_VERSION, facts.version));
    if let Some(route) = facts.route() {
        attributes.push(KeyValue::new(HTTP_ROUTE, route.to_owned()));
    }
    if let Some(Authority { host, port }) = authority(request) {
        attributes.push(KeyValue::new(SERVER_ADDRESS, host.to_owned()));
        let port = port.or_else(|| semconv_http::default_port(facts.scheme));
        attributes.extend(port.map(|port| KeyValue::new(SERVER_PORT, i64::from(port))));
    }
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        let (address, port) = (peer.ip().to_canonical().to_string(), i64::from(peer.port()));
        attributes.push(KeyValue::new(CLIENT_ADDRESS, address.clone()));
        attributes.push(KeyValue::new(CLIENT_PORT, port));
        attributes.push(KeyValue::new(NETWORK_PEER_ADDRESS, address));
        attributes.push(KeyValue::new(NETWORK_PEER_PORT, port));
    }
    if let Some(agent) = request
        .headers()
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
    {
        attributes.push(KeyValue::new(USER_AGENT_ORIGINAL, agent.to_owned()));
    }
    attributes
}

fn authority<B>(request: &Request<B>) -> Option<Authority<'_>> {
    let text = match request.uri().authority() {
        Some(authority) => authority.as_str(),
        None => request.headers().get(header::HOST)?.to_str().ok()?,
    };
    Authority::parse(text)
}
