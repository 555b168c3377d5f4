#![doc = include_str!("../README.md")]

mod model;
mod options;
mod receiver;
mod red;
mod self_time;
mod store;
mod text;
mod tree;
mod viewer;
mod web;

pub use model::{
    Attributes, Exemplar, LogRecord, MetricPoint, MetricValue, Number, ParseIdError, Span,
    SpanEvent, SpanId, SpanKind, SpanLink, SpanStatus, Trace, TraceId, Value,
};
pub use options::{Limits, ViewerOptions};
pub use red::{RedRow, render_red};
pub use self_time::{Activity, TimeSpent};
pub use store::{Evicted, LogFilter, Store, TraceFilter};
pub use text::render_logs;
pub use tree::{ShownAttributes, TreeStyle};
pub use viewer::{StartError, Viewer};
