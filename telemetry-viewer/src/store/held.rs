use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::analysis::self_time::Activity;
use crate::model::{Span, Summary, Trace, TraceId};

/// A trace as the store keeps it. Readers share it: a later span makes a new one, with what has been
/// computed from it forgotten.
#[derive(Debug)]
pub(crate) struct Held {
    trace_id: TraceId,
    /// In the order in which they arrived.
    spans: Vec<Arc<Span>>,
    /// The store's version at which the last span arrived.
    changed: u64,
    trace: OnceLock<Trace>,
    summary: OnceLock<Summary>,
    shares: OnceLock<BTreeMap<Activity, u64>>,
}

/// Only the spans; what was computed belongs to the old state.
impl Clone for Held {
    fn clone(&self) -> Self {
        Self {
            spans: self.spans.clone(),
            changed: self.changed,
            ..Self::new(self.trace_id)
        }
    }
}

impl Held {
    pub(super) fn new(trace_id: TraceId) -> Self {
        Self {
            trace_id,
            spans: Vec::new(),
            changed: 0,
            trace: OnceLock::new(),
            summary: OnceLock::new(),
            shares: OnceLock::new(),
        }
    }

    /// Adds a span, or puts it in the place of the one it repeats.
    pub(super) fn put(&mut self, span: Arc<Span>, place: usize, version: u64) {
        match self.spans.get_mut(place) {
            Some(old) => *old = span,
            None => self.spans.push(span),
        }
        self.changed = version;
        self.trace.take();
        self.summary.take();
        self.shares.take();
    }

    pub(crate) fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    pub(crate) fn spans(&self) -> &[Arc<Span>] {
        &self.spans
    }

    pub(crate) fn changed(&self) -> u64 {
        self.changed
    }

    /// The trace with its spans in order.
    pub(crate) fn trace(&self) -> &Trace {
        self.trace
            .get_or_init(|| Trace::new(self.trace_id, self.spans.iter().cloned()))
    }

    pub(crate) fn summary(&self) -> &Summary {
        self.summary.get_or_init(|| Summary::of(&self.spans))
    }

    /// Where the time of the trace went, in nanoseconds.
    pub(crate) fn shares(&self) -> &BTreeMap<Activity, u64> {
        self.shares
            .get_or_init(|| self.trace().time_spent().by_activity)
    }
}
