//! From records to the collector: bounded queues, one thread of our own, OTLP.

mod batch;
mod console;
mod limits;
mod logs;
mod metrics;
mod report;
mod spans;
mod transport;
mod worker;

pub(super) use console::{ConsoleSpans, write_metrics};
pub(super) use limits::AttributeLimits;
pub(super) use logs::LogQueue;
pub(super) use metrics::MetricsExport;
pub(crate) use metrics::SharedReader;
pub(super) use report::Reporter;
pub(super) use spans::SpanQueue;
pub(super) use worker::{Flush, Pending, Worker};
