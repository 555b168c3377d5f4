//! From records to the collector: bounded queues, one thread of our own, OTLP.

mod batch;
mod console;
mod flush;
mod limits;
mod logs;
mod losses;
mod metrics;
mod monitor;
mod overflow;
mod panics;
mod protobuf;
mod queue;
mod report;
mod size;
mod span_request;
mod spans;
mod transport;
mod worker;

pub(super) use console::{ConsoleSpans, write_metrics};
pub(super) use flush::{Flush, Pending};
pub(super) use limits::AttributeLimits;
pub(super) use logs::LogQueue;
pub(super) use losses::{Losses, Reason};
pub(super) use metrics::MetricsExport;
pub(crate) use metrics::SharedReader;
pub(super) use monitor::{Monitor, Outcomes, Signal, component};
pub(crate) use overflow::Overflows;
pub(super) use report::Reporter;
pub(super) use spans::SpanQueue;
pub(super) use worker::Worker;
