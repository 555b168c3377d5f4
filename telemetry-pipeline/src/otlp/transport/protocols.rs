//! The protocols that this program is built with.

use super::{client::Row, http_json, http_protobuf};
use crate::otlp::protocol::Protocol;

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
