//! The interface of a protocol's client.

use std::{fmt, pin::Pin};

use bytes::Bytes;

use super::connect::Connector;
use crate::{
    error::BootstrapError,
    otlp::{
        answer::{Accepted, ExportError},
        endpoint::Endpoint,
        protocol::Protocol,
        signal::Signal,
    },
};

/// No answer of a collector is read beyond this.
pub(crate) const ANSWER_BYTES: usize = 64 * 1024;

/// Names exporter, language and version, as the specification of the exporter asks.
pub(crate) const USER_AGENT: &str = concat!(
    "OTel-OTLP-Exporter-Rust/",
    env!("CARGO_PKG_VERSION"),
    " telemetry-pipeline/",
    env!("CARGO_PKG_VERSION")
);

pub(crate) type Sending<'a> =
    Pin<Box<dyn Future<Output = Result<Accepted, ExportError>> + Send + 'a>>;

/// Sends the requests of one signal, one at a time.
pub(crate) trait Client: fmt::Debug + Send + Sync {
    /// One attempt, with an encoded request. A failure that has a usual cause ends with a hint.
    fn send(&self, body: Bytes) -> Sending<'_>;

    /// True if the next attempt uses a connection that was used before.
    fn is_connected(&self) -> bool;

    /// Gives up the connection: the next attempt opens one.
    fn disconnect(&self);
}

/// The form of an encoded request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Protobuf,
    Json,
}

/// Builds the client of an endpoint.
pub(crate) type Build = fn(&Endpoint, Signal, Connector) -> Result<Box<dyn Client>, BootstrapError>;

/// The row of a protocol.
pub(crate) struct Row {
    pub(crate) protocol: Protocol,
    pub(crate) encoding: Encoding,
    /// The protocol that TLS agrees on.
    pub(crate) alpn: &'static [u8],
    pub(crate) client: Build,
}
