//! Span attributes of the client and of the connection, the same for HTTP and gRPC.

use opentelemetry::KeyValue;
use telemetry_semconv::http::attribute::{
    CLIENT_ADDRESS, CLIENT_PORT, NETWORK_PEER_ADDRESS, NETWORK_PEER_PORT, NETWORK_TRANSPORT,
};

use super::{forwarded::ForwardedClient, incoming_request::IncomingRequest};

/// Adds `client.*` and `network.*`. Without the peer's address in the request's extensions nothing is added, except
/// for a client that a proxy names.
pub(crate) fn add(request: &IncomingRequest<'_>, attributes: &mut Vec<KeyValue>) {
    let options = request.options;
    let peer = options
        .peer_address(request.extensions)
        .map(|peer| (peer.ip().to_canonical(), Some(peer.port())));
    let client = match request.forwarded.client {
        ForwardedClient::Peer => peer,
        ForwardedClient::Hidden => None,
        ForwardedClient::At(address, port) => Some((address, port)),
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
            // Up to HTTP/2, a peer with a port is connected by TCP.
            attributes.push(KeyValue::new(NETWORK_TRANSPORT, "tcp"));
        }
    }
}
