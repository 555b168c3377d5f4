//! The spans of adapters and steps, from their start to the exporter.
//!
//! They are made by us, not by the SDK's tracer: its spans are moved some four times between start and queue, and ask the
//! sampler through structs of vectors. Sampler, limits and exporter are the same for both, so the application's own spans,
//! which are the SDK's, look the same. One thing differs: an unsampled span of ours keeps the caller's random flag.

pub(crate) mod application_spans;
pub(crate) mod carried_contexts;
pub(crate) mod console;
mod processor;
mod recorder;
pub(crate) mod sampling;
mod sdk_spans;
pub(crate) mod settings;
mod span;
mod span_clock;
pub(crate) mod span_queue;
mod span_request;
mod span_size;
pub(crate) mod span_starters;
pub(crate) mod start;
mod unique;

pub(crate) use processor::{Processor, Processors};
pub(crate) use recorder::Recorder;
pub(crate) use sdk_spans::SdkSpans;

#[cfg(test)]
mod tests;
