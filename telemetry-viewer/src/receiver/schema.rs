//! The messages of OTLP as tables: for reading JSON, and for weighing a request before it is decoded.
//!
//! Names and numbers are those of `opentelemetry-proto` 1.9. What stands in no table is ignored, as the
//! specification asks of unknown fields.

mod common;
mod logs;
mod metrics;
mod traces;

pub(super) use logs::REQUEST as LOGS;
pub(super) use metrics::REQUEST as METRICS;
pub(super) use traces::REQUEST as TRACES;

/// One message type.
pub(super) struct Message {
    pub(super) fields: &'static [Field],
    /// Bytes that one of them takes in memory beside its texts, with the room a growing list leaves free.
    pub(super) size: usize,
}

/// One field of a message.
pub(super) struct Field {
    /// Its name in JSON.
    pub(super) name: &'static str,
    pub(super) number: u32,
    pub(super) kind: Kind,
}

/// The type of a field.
pub(super) enum Kind {
    Message(&'static Message),
    Messages(&'static Message),
    Text,
    /// Base64 in JSON.
    Bytes,
    /// Bytes that OTLP writes as hex in JSON: trace and span ids.
    Id,
    Bool,
    /// A varint: an integer, or one of the named values of an enumeration.
    Integer(&'static [(&'static str, i64)]),
    /// A varint in zigzag order.
    Zigzag,
    Fixed32,
    Fixed64,
    /// Eight bytes of a signed integer.
    Signed64,
    Double,
    Fixed64List,
    DoubleList,
    VarintList,
}

const fn field(name: &'static str, number: u32, kind: Kind) -> Field {
    Field { name, number, kind }
}

/// A list grows by doubling, so that up to half of it is free.
const fn grown(size: usize) -> usize {
    2 * size
}
