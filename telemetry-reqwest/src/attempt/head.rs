//! The head of a response.

use std::net::SocketAddr;

use http::Version;
use opentelemetry::{KeyValue, trace::SpanRef};
use reqwest::Response;
use telemetry_semconv::{
    http as semconv_http,
    http::attribute::{
        HTTP_RESPONSE_STATUS_CODE, NETWORK_PEER_ADDRESS, NETWORK_PEER_PORT,
        NETWORK_PROTOCOL_VERSION,
    },
};

#[derive(Clone, Copy, Debug)]
pub(super) struct ResponseHead {
    pub(super) status: u16,
    pub(super) version: Version,
}

impl ResponseHead {
    pub(super) fn of(response: &Response) -> Self {
        Self {
            status: response.status().as_u16(),
            version: response.version(),
        }
    }

    /// Sets the attributes of the head, and of the peer that sent it.
    pub(super) fn describe(self, span: &SpanRef<'_>, peer: Option<SocketAddr>) {
        let version = semconv_http::protocol_version(self.version);
        span.set_attributes([
            KeyValue::new(HTTP_RESPONSE_STATUS_CODE, i64::from(self.status)),
            KeyValue::new(NETWORK_PROTOCOL_VERSION, version),
        ]);
        if let Some(peer) = peer {
            let address = peer.ip().to_canonical().to_string();
            span.set_attribute(KeyValue::new(NETWORK_PEER_ADDRESS, address));
            span.set_attribute(KeyValue::new(NETWORK_PEER_PORT, i64::from(peer.port())));
        }
    }
}
