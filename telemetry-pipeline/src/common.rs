//! The parts that all signals use while they start.

use std::sync::Arc;

use opentelemetry_sdk::Resource;

use crate::{
    logs::LogSink,
    otlp::{Reporter, Worker},
};

/// Started before the signals are.
pub(crate) struct Common {
    /// The exporter's thread; `None` if nothing needs one.
    pub(crate) worker: Option<Worker>,
    pub(crate) resource: Resource,
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) sink: LogSink,
}
