use crate::model::{LogRecord, Trace, TraceId};

/// A filter for traces. The default accepts all; every field that is set narrows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceFilter {
    /// Only traces with a span of this service.
    pub service: Option<String>,
    /// Only traces that carry this correlation id or have it as their trace id.
    pub correlation_id: Option<String>,
    /// Only traces whose root span has this name.
    pub root_name: Option<String>,
    /// Only traces with a span whose status is an error.
    pub only_errors: bool,
    /// At most so many, the newest; `None` for all.
    pub limit: Option<usize>,
}

/// A filter for log records. The default accepts all; every field that is set narrows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Only records written in this trace.
    pub trace_id: Option<TraceId>,
    /// Only records that carry this correlation id or have it as their trace id.
    pub correlation_id: Option<String>,
    /// Only records of this service.
    pub service: Option<String>,
    /// At most so many, the newest; `None` for all.
    pub limit: Option<usize>,
}

impl TraceFilter {
    /// Only traces found by this correlation id.
    pub fn correlation_id(id: impl Into<String>) -> Self {
        Self {
            correlation_id: Some(id.into()),
            ..Self::default()
        }
    }

    /// Only traces this service took part in.
    pub fn service(name: impl Into<String>) -> Self {
        Self {
            service: Some(name.into()),
            ..Self::default()
        }
    }

    pub(super) fn accepts(&self, trace: &Trace) -> bool {
        let service = |name: &String| trace.spans.iter().any(|span| span.service == *name);
        let root = |name: &String| trace.root().is_some_and(|span| span.name == *name);
        (!self.only_errors || trace.has_error())
            && self.service.as_ref().is_none_or(service)
            && self
                .correlation_id
                .as_ref()
                .is_none_or(|id| trace.has_correlation_id(id))
            && self.root_name.as_ref().is_none_or(root)
    }
}

impl LogFilter {
    /// Only records written in this trace.
    pub fn trace(trace_id: TraceId) -> Self {
        Self {
            trace_id: Some(trace_id),
            ..Self::default()
        }
    }

    /// Only records found by this correlation id.
    pub fn correlation_id(id: impl Into<String>) -> Self {
        Self {
            correlation_id: Some(id.into()),
            ..Self::default()
        }
    }

    pub(super) fn accepts(&self, record: &LogRecord) -> bool {
        self.trace_id.is_none_or(|id| record.trace_id == Some(id))
            && self
                .correlation_id
                .as_ref()
                .is_none_or(|id| record.has_correlation_id(id))
            && self
                .service
                .as_ref()
                .is_none_or(|name| record.service == *name)
    }
}
