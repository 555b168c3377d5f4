//! The parts of a request's start: its head as the layer reads it, and its body as the layer counts it.

pub(crate) mod connection_attributes;
pub(crate) mod correlation_headers;
pub(crate) mod forwarded;
pub(crate) mod incoming_request;
pub(crate) mod read_body;
pub(crate) mod seen;
pub(crate) mod unix_socket;
