//! Logs: each `tracing` event becomes one line and, with OTLP, one record, both with the ids of the current context.

mod bounded_text;
mod callsite_parts;
mod directives;
mod filter_handle;
mod json;
mod json_members;
mod json_text;
mod layer_filters;
mod line;
mod log_context;
mod log_format;
mod log_layer;
pub(crate) mod log_queue;
mod log_record;
mod log_sink;
mod log_size;
mod panic_hook;
mod readable;
pub(crate) mod settings;
mod span_fields;
pub(crate) mod start;
mod stdout_writer;
mod timestamp;

pub(crate) use directives::env_filter;
pub(crate) use filter_handle::FilterChoices;
pub use filter_handle::{FilterError, FilterHandle};
pub(crate) use log_format::Form;
pub use log_format::LogFormat;
pub(crate) use log_layer::{LogLayer, LogOutput};
pub(crate) use log_record::business_prefix;
pub(crate) use log_sink::LogSink;
pub(crate) use panic_hook::log_panics;

#[cfg(test)]
mod tests;
