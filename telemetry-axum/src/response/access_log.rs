//! The access log: one event at the end of each request.
//!
//! The events have the level INFO and the target `telemetry_axum::access`. They are written in the context of the
//! request, from which every log line takes the ids of trace, span and correlation.

use std::net::IpAddr;

use telemetry_semconv::redact::{self, Credentials};

use super::ended_request::EndedRequest;
use crate::{
    options::attribute_limit::limited,
    request::{connection_attributes, incoming_request::IncomingRequest},
};

/// The facts by which the line of a request without a route can be told from others: it is a broken link, or a scanner.
#[derive(Debug)]
pub(crate) struct Unrouted {
    /// The path without its query and without credentials in its parameters, cut.
    path: Box<str>,
    client: Option<IpAddr>,
}

impl Unrouted {
    pub(crate) fn of(request: &IncomingRequest<'_>) -> Self {
        let path = request.uri().path();
        Self {
            path: limited(&redact::path(path, &Credentials::default())).into(),
            client: connection_attributes::client(request),
        }
    }
}

/// Writes the line of an HTTP request.
pub(crate) fn write_request(
    method: &'static str,
    route: Option<&str>,
    unrouted: Option<&Unrouted>,
    ended: &EndedRequest,
) {
    let path = unrouted.map(|it| &*it.path);
    let client = unrouted.and_then(|it| it.client);
    tracing::info!(
        name: "http.server.request",
        target: "telemetry_axum::access",
        // A plain value: as the usual last argument it would be a format, which is formatted for each line.
        message = "request",
        http.request.method = method,
        http.route = route,
        url.path = path,
        client.address = client.map(tracing::field::display),
        http.response.status_code = ended.status_code(),
        http.request.body.size = ended.request_bytes,
        http.response.body.size = ended.response_bytes,
        telemetry.outcome = ended.outcome.as_str(),
        duration = ended.seconds,
    );
}

/// Writes the line of a gRPC call, with the attributes of the RPC conventions.
pub(crate) fn write_call(method: &str, status: Option<&'static str>, ended: &EndedRequest) {
    tracing::info!(
        name: "rpc.server.call",
        target: "telemetry_axum::access",
        message = "call",
        rpc.system.name = "grpc",
        rpc.method = method,
        rpc.response.status_code = status,
        http.request.body.size = ended.request_bytes,
        http.response.body.size = ended.response_bytes,
        telemetry.outcome = ended.outcome.as_str(),
        duration = ended.seconds,
    );
}
