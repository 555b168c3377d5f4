//! The span attributes of an HTTP request that are known at its start.

use http::header;
use opentelemetry::KeyValue;
use telemetry_semconv::{
    http as semconv_http,
    http::attribute::{
        HTTP_REQUEST_METHOD, HTTP_REQUEST_METHOD_ORIGINAL, HTTP_ROUTE, NETWORK_PROTOCOL_VERSION,
        SERVER_ADDRESS, SERVER_PORT, URL_PATH, URL_QUERY, URL_SCHEME, USER_AGENT_ORIGINAL,
    },
};

use crate::{
    metrics::request_group::RequestGroup,
    options::attribute_limit::limited,
    request::{connection_attributes, incoming_request::IncomingRequest},
};

/// Room for the attributes of the start and those that are added later, so that the vector is allocated once.
const CAPACITY: usize = 18;

pub(crate) fn at_start(group: &RequestGroup, request: &IncomingRequest<'_>) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(CAPACITY);
    let labels = &group.labels;
    attributes.push(KeyValue::new(HTTP_REQUEST_METHOD, labels.method));
    if labels.method == semconv_http::OTHER_METHOD {
        let original = limited(request.method.as_str()).to_owned();
        attributes.push(KeyValue::new(HTTP_REQUEST_METHOD_ORIGINAL, original));
    }
    add_url(request, &mut attributes);
    let version = semconv_http::protocol_version(request.version);
    attributes.push(KeyValue::new(NETWORK_PROTOCOL_VERSION, version));
    if let Some(route) = &labels.route {
        attributes.push(KeyValue::new(HTTP_ROUTE, route.clone()));
    }
    if let Some(path) = request.unix_socket().and_then(|socket| socket.path.clone()) {
        // The host that clients name is an invention then, and there is no port.
        attributes.push(KeyValue::new(SERVER_ADDRESS, path));
    } else if let Some((host, port)) = request.host().and_then(|host| group.server(host)) {
        attributes.push(KeyValue::new(SERVER_ADDRESS, host));
        let port = port.or_else(|| semconv_http::default_port(request.scheme()));
        attributes.extend(port.map(|port| KeyValue::new(SERVER_PORT, i64::from(port))));
    }
    connection_attributes::add(request, &mut attributes);
    let agent = request.headers.get(header::USER_AGENT);
    if let Some(agent) = agent.and_then(|agent| agent.to_str().ok()) {
        let agent = group.user_agent(limited(agent));
        attributes.push(KeyValue::new(USER_AGENT_ORIGINAL, agent));
    }
    let options = request.options;
    let captured = &options.captured_request_headers;
    attributes.extend(captured.attributes(request.headers, &options.redacted_headers));
    attributes
}

fn add_url(request: &IncomingRequest<'_>, attributes: &mut Vec<KeyValue>) {
    let uri = request.uri();
    attributes.push(KeyValue::new(URL_PATH, limited(uri.path()).to_owned()));
    if let Some(query) = uri.query().filter(|query| !query.is_empty()) {
        let secret_keys = &request.options.redacted_query_keys;
        let redacted = semconv_http::redact_query_with(query, secret_keys);
        attributes.push(KeyValue::new(URL_QUERY, limited(&redacted).to_owned()));
    }
    attributes.push(KeyValue::new(URL_SCHEME, request.scheme()));
}
