//! The options of the middleware, as one value.

use telemetry_api::instrument::{Providers, providers::LazySetting};
use telemetry_semconv::http::KnownMethods;

use crate::hosts::Hosts;

/// The moment when a client span ends and its duration is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpanEnd {
    /// When the head of the response arrives. Errors of the body are not seen.
    #[default]
    Head,
    /// When the body of the response was read to its end, failed, or was dropped.
    Body,
}

#[derive(Debug)]
pub(crate) struct Options {
    /// `None`: the providers that are current with the first request.
    pub(crate) providers: Option<Providers>,
    pub(crate) methods: LazySetting<KnownMethods>,
    /// `None`: context is sent to every host.
    pub(crate) propagate_to: Option<Hosts>,
    /// Query keys whose values are redacted, besides those of the semantic conventions.
    pub(crate) redacted: Box<[Box<str>]>,
    pub(crate) user_agent: bool,
    pub(crate) span_end: SpanEnd,
    pub(crate) active_requests: bool,
    pub(crate) body_sizes: bool,
}

impl Options {
    /// The defaults, and these known methods.
    pub(crate) fn new(methods: LazySetting<KnownMethods>) -> Self {
        Self {
            providers: None,
            methods,
            propagate_to: None,
            redacted: Box::default(),
            user_agent: false,
            span_end: SpanEnd::default(),
            active_requests: false,
            body_sizes: false,
        }
    }
}
