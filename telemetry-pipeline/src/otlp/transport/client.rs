//! The interface of a protocol's client, and the table of the protocols that this program is built with.

use std::{fmt, pin::Pin};

use bytes::Bytes;

use super::{connect::Connector, http_json, http_protobuf};
use crate::{
    error::BootstrapError,
    otlp::{
        answer::{Accepted, ExportError},
        endpoint::Endpoint,
        protocol::Protocol,
        signal::Signal,
    },
};

pub(crate) type Sending<'a> =
    Pin<Box<dyn Future<Output = Result<Accepted, ExportError>> + Send + 'a>>;

/// Sends the requests of one signal, one at a time.
pub(crate) trait Client: fmt::Debug + Send + Sync {
    /// One attempt, with an encoded request. A failure that has a usual cause ends with a hint.
    fn send(&self, body: Bytes) -> Sending<'_>;

    /// Whether the next attempt uses a connection that was used before.
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

/// The row of a protocol.
pub(crate) struct Row {
    pub(crate) protocol: Protocol,
    pub(crate) encoding: Encoding,
    pub(crate) client: fn(&Endpoint, Signal, Connector) -> Result<Box<dyn Client>, BootstrapError>,
}

/// One row a protocol. A feature adds its row here and nowhere else.
const PROTOCOLS: &[Row] = &[
    #[cfg(feature = "grpc")]
    super::grpc::ROW,
    http_protobuf::ROW,
    http_json::ROW,
];

/// The row of a protocol; `None` if the program is built without it.
pub(crate) fn row(protocol: Protocol) -> Option<&'static Row> {
    PROTOCOLS.iter().find(|row| row.protocol == protocol)
}
