//! From items to the collector: bounded queues, one thread of our own, OTLP. The lower layer of all signals: it knows
//! the messages of OTLP, and nothing of how they come about.

pub(crate) mod answer;
pub(crate) mod batch;
pub(crate) mod batching;
pub(crate) mod compression;
pub(crate) mod deadline;
pub(crate) mod endpoint;
pub(crate) mod endpoint_options;
mod endpoint_url;
pub(crate) mod flush;
mod fork;
pub(crate) mod limits;
pub(crate) mod losses;
pub(crate) mod monitor;
mod panics;
pub(crate) mod protobuf;
pub(crate) mod protocol;
pub(crate) mod queue;
pub(crate) mod report;
pub(crate) mod request;
pub(crate) mod sender;
pub(crate) mod settings;
pub(crate) mod signal;
pub(crate) mod transport;
pub(crate) mod worker;

pub(crate) use batching::Batching;
pub(crate) use flush::{Flush, Pending};
pub(crate) use limits::AttributeLimits;
pub(crate) use losses::{Losses, Reason};
pub(crate) use monitor::{Monitor, Outcomes, component};
pub(crate) use report::Reporter;
pub(crate) use signal::Signal;
pub(crate) use worker::Worker;
