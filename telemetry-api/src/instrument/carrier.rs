//! A `tracing` span that carries the OpenTelemetry context to tasks that are spawned by the idioms of `tracing`.
//!
//! `tokio::spawn(work.in_current_span())` and `.instrument(Span::current())` move a `tracing` span to another task, and
//! nothing else. The spans of adapters are no `tracing` spans, so such a task would leave its request. A carrier makes it
//! stay: the pipeline keeps the context that is current when the carrier is made, and makes it current wherever the
//! carrier is entered. A carrier is no OpenTelemetry span, and it has no fields.

use tracing::{Metadata, Span};

/// The target of carriers.
const TARGET: &str = "telemetry::carrier";

/// A carrier of the current context. It is disabled, and costs next to nothing, where no subscriber wants it.
///
/// Cost: a `tracing` span.
#[inline]
pub fn carrier() -> Span {
    // At this level no usual filter drops it. A span is never shown for its level.
    tracing::error_span!(target: TARGET, "request")
}

/// True for the metadata of a carrier.
#[inline]
pub fn is_carrier(metadata: &Metadata<'_>) -> bool {
    metadata.target() == TARGET
}
