//! The parts of a request's start: its head as the layer reads it, and its body as the layer counts it.

pub(crate) mod connection_attributes;
pub(crate) mod correlation_headers;
pub(crate) mod counted_body;
pub(crate) mod forwarded;
pub(crate) mod incoming_request;
