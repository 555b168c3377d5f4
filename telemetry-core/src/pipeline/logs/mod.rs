//! Logs: each `tracing` event becomes one line and, with OTLP, one record, both with the ids of the current context.

mod callsites;
mod current;
mod filter;
mod format;
mod json;
mod layer;
mod number;
mod otlp;
mod panics;
mod readable;
mod sink;
mod span_fields;
mod stdout;
mod text;
mod timestamp;

pub(super) use filter::env_filter;
#[cfg(feature = "testing")]
pub(super) use filter::is_transport;
pub use filter::{FilterError, FilterHandle};
pub(super) use format::Form;
pub use format::LogFormat;
pub(super) use layer::{LogLayer, LogOutput};
pub(super) use panics::log_panics;
pub(super) use sink::LogSink;

#[cfg(test)]
mod tests;
