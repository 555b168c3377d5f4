//! The plain types a reader of the store gets: no protobuf, no locks.

mod id;
mod log;
mod metric;
mod span;
mod summary;
mod trace;
mod value;

pub use id::{ParseIdError, SpanId, TraceId};
pub use log::LogRecord;
pub use metric::{Exemplar, MetricPoint, MetricValue, Number};
pub use span::{Span, SpanEvent, SpanKind, SpanLink, SpanStatus};
pub use trace::Trace;
pub use value::{Attributes, Value};

pub(crate) use summary::{Summary, reason};
pub(crate) use value::{attribute, attributes_as_map, heap_size};
