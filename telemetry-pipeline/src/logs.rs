//! Logs: each `tracing` event becomes one line and, with OTLP, one record, both with the ids of the current context.

mod callsites;
mod filter;
mod format;
mod json;
mod layer;
mod log_context;
pub(crate) mod log_queue;
mod log_record;
mod log_size;
mod number;
mod panics;
mod readable;
mod sink;
mod span_fields;
mod stdout;
mod text;
mod timestamp;

pub(crate) use filter::env_filter;
#[cfg(feature = "testing")]
pub(crate) use filter::is_transport;
pub use filter::{FilterError, FilterHandle};
pub(crate) use format::Form;
pub use format::LogFormat;
pub(crate) use layer::{LogLayer, LogOutput};
pub(crate) use panics::log_panics;
pub(crate) use sink::LogSink;

#[cfg(test)]
mod tests;
