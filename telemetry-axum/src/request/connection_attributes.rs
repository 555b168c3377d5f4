//! Span attributes of the client and of the connection, the same for HTTP and gRPC.

use std::net::IpAddr;

use opentelemetry::KeyValue;
use telemetry_semconv::http::attribute::{
    CLIENT_ADDRESS, CLIENT_PORT, NETWORK_PEER_ADDRESS, NETWORK_PEER_PORT, NETWORK_TRANSPORT,
};

use super::{forwarded::ForwardedClient, incoming_request::IncomingRequest};

/// Adds `client.*` and `network.*`. Without the peer's address in the request's extensions nothing is added, except
/// for a client that a proxy names.
pub(crate) fn add(request: &IncomingRequest<'_>, attributes: &mut Vec<KeyValue>) {
    let options = request.options;
    let peer = peer(request);
    if let Some((client, port)) = client_of(request, peer) {
        attributes.push(KeyValue::new(CLIENT_ADDRESS, client.to_string()));
        if options.client_port {
            attributes.extend(port.map(|port| KeyValue::new(CLIENT_PORT, i64::from(port))));
        }
    }
    if request.unix_socket().is_some() {
        // TCP is what everybody expects, so only this transport is always named.
        attributes.push(KeyValue::new(NETWORK_TRANSPORT, "unix"));
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

/// An address, and a port if it is known.
type Address = (IpAddr, Option<u16>);

/// `client.address` of the request.
pub(crate) fn client(request: &IncomingRequest<'_>) -> Option<IpAddr> {
    client_of(request, peer(request)).map(|(address, _)| address)
}

fn peer(request: &IncomingRequest<'_>) -> Option<Address> {
    let peer = request.options.peer_address(request.extensions)?;
    Some((peer.ip().to_canonical(), Some(peer.port())))
}

fn client_of(request: &IncomingRequest<'_>, peer: Option<Address>) -> Option<Address> {
    match request.forwarded.client {
        ForwardedClient::Peer => peer,
        ForwardedClient::Hidden => None,
        ForwardedClient::At(address, port) => Some((address, port)),
    }
}
