#![doc = include_str!("../README.md")]

mod analysis;
mod difference;
mod hosts;
mod lines;
mod model;
mod options;
mod query;
mod receiver;
mod red;
mod store;
mod text;
mod trace_list;
mod tree;
mod viewer;
mod waterfall;
mod web;

pub use analysis::self_time::{Activity, TimeSpent};
pub use lines::{ImportError, Imported};
pub use model::{
    Attributes, Exemplar, LogRecord, MetricPoint, MetricValue, Number, ParseIdError, Span,
    SpanEvent, SpanId, SpanKind, SpanLink, SpanStatus, Trace, TraceId, Value,
};
pub use options::{Limits, ViewerOptions};
pub use query::{Query, QueryError};
pub use red::{Percentiles, RedRow, render_red};
pub use store::{Counts, Evicted, LogFilter, Store, TraceFilter};
pub use text::{render_logs, render_logs_within};
pub use trace_list::render_traces;
pub use tree::{ShownAttributes, TreeStyle};
pub use viewer::{StartError, Viewer};
pub use waterfall::WaterfallStyle;
