//! The messaging conventions as pure functions: names, attributes, metrics.
//!
//! Source: OpenTelemetry semantic conventions 1.44, messaging spans and metrics (development).

/// Attribute names.
pub mod attribute {
    /// How many times a message has been delivered, this time included. The name is ours: the conventions have one for each
    /// system.
    pub const MESSAGING_MESSAGE_DELIVERY_ATTEMPT: &str = "messaging.message.delivery_attempt";
    /// The number of messages that a span accounts for, if it may be several.
    pub const MESSAGING_BATCH_MESSAGE_COUNT: &str = "messaging.batch.message_count";
    /// The queue, topic or table.
    pub const MESSAGING_DESTINATION_NAME: &str = "messaging.destination.name";
    /// The system's name of the operation.
    pub const MESSAGING_OPERATION_NAME: &str = "messaging.operation.name";
    /// The kind of operation: `create`, `send` or `process`.
    pub const MESSAGING_OPERATION_TYPE: &str = "messaging.operation.type";
    /// The messaging system, such as `kafka`.
    pub const MESSAGING_SYSTEM: &str = "messaging.system";
}

/// `messaging.client.operation.duration`, a histogram of seconds, for senders.
pub const CLIENT_OPERATION_DURATION: &str = "messaging.client.operation.duration";
/// `messaging.client.sent.messages`, a counter.
pub const CLIENT_SENT_MESSAGES: &str = "messaging.client.sent.messages";
/// `messaging.client.consumed.messages`, a counter.
pub const CLIENT_CONSUMED_MESSAGES: &str = "messaging.client.consumed.messages";
/// `messaging.process.duration`, a histogram of seconds, for consumers.
pub const PROCESS_DURATION: &str = "messaging.process.duration";

/// Bucket bounds of both durations in seconds.
pub use crate::buckets::CALL_SECONDS as DURATION_BOUNDS;

/// An operation on a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// One of the messages of a batch is made, to be sent with the others.
    Create,
    /// Messages are given to the system.
    Send,
    /// Messages are worked on.
    Process,
}

impl Operation {
    /// `messaging.operation.type`, which is also the operation's name where the system has none of its own.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Send => "send",
            Self::Process => "process",
        }
    }
}

/// The span name, `{operation} {destination}`.
pub fn span_name(operation: Operation, destination: &str) -> String {
    format!("{} {destination}", operation.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_named_by_operation_and_destination() {
        assert_eq!(
            span_name(Operation::Send, "shop.orders"),
            "send shop.orders"
        );
        assert_eq!(span_name(Operation::Process, "a b"), "process a b");
    }
}
