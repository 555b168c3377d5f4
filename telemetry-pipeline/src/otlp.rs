//! From records to the collector: bounded queues, one thread of our own, OTLP.

pub(crate) mod batch;
pub(crate) mod batching;
pub(crate) mod endpoint;
pub(crate) mod flush;
pub(crate) mod limits;
pub(crate) mod losses;
pub(crate) mod monitor;
pub(crate) mod overflow;
pub(crate) mod panics;
pub(crate) mod protobuf;
pub(crate) mod queue;
pub(crate) mod report;
pub(crate) mod settings;
pub(crate) mod size;
pub(crate) mod transport;
pub(crate) mod worker;

pub(crate) use flush::{Flush, Pending};
pub(crate) use limits::AttributeLimits;
pub(crate) use losses::{Losses, Reason};
pub(crate) use monitor::{Monitor, Outcomes, Signal, component};
pub(crate) use overflow::Overflows;
pub(crate) use report::Reporter;
pub(crate) use worker::Worker;
