//! Context in and out of headers: the formats of OTEL_PROPAGATORS, and any OpenTelemetry propagator.
//!
//! Each format is one file and one row in the table of `format`.

mod b3;
mod b3_multi;
mod baggage;
mod custom;
mod format;
mod ids;
mod jaeger;
mod list;
mod present;
mod received;
mod text_map;
mod trace_context;
mod xray;
mod zipkin;

pub use format::Format;
pub use list::Propagation;
pub use present::{PresentHeaders, is_repeated};
pub use received::Received;
pub use text_map::TextMap;

#[cfg(test)]
mod tests;
