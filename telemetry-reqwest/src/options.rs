//! The middleware's options, as one value.

use telemetry_semconv::http::KnownMethods;

use crate::hosts::Hosts;

/// When a client span ends and its duration is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpanEnd {
    /// With the response's head. What happens to the body afterwards is not seen.
    #[default]
    Head,
    /// With the response's body: when it was read to its end, failed, or was dropped.
    Body,
}

#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) methods: KnownMethods,
    /// `None`: every host.
    pub(crate) propagate_to: Option<Hosts>,
    pub(crate) redacted: Box<[Box<str>]>,
    pub(crate) user_agent: bool,
    pub(crate) span_end: SpanEnd,
    pub(crate) active_requests: bool,
    pub(crate) body_sizes: bool,
}
