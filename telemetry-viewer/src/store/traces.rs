use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::model::{Attributes, Span, SpanId, Trace, TraceId, heap_size};
use crate::options::Limits;

/// What a span and a trace cost beside their content: their places in the tables.
const SPAN_OVERHEAD: usize = 64;
const TRACE_OVERHEAD: usize = 192;

/// Spans by trace, with the traces in the order in which their first span arrived.
#[derive(Default)]
pub(super) struct TraceTable {
    traces: HashMap<TraceId, Entry>,
    order: BTreeMap<u64, TraceId>,
    next: u64,
    spans: usize,
    bytes: usize,
}

struct Entry {
    arrival: u64,
    spans: BTreeMap<SpanId, Arc<Span>>,
    bytes: usize,
    /// The last resource whose size is part of `bytes`.
    charged: Option<Arc<Attributes>>,
}

impl TraceTable {
    /// Adds a span; false if its trace has its share of the limits.
    pub(super) fn insert(&mut self, span: Span, limits: &Limits) -> bool {
        let known = self.traces.get(&span.trace_id);
        let replaced = known.and_then(|trace| trace.spans.get(&span.span_id));
        let freed = replaced.map_or(0, |span| span.size() + SPAN_OVERHEAD);
        // Every trace that keeps a shared resource alive pays for all of it, and goes on paying when
        // the span that brought it is replaced: others may share it.
        let paid = known
            .and_then(|trace| trace.charged.as_ref())
            .is_some_and(|resource| Arc::ptr_eq(resource, &span.resource));
        let extra = if paid { 0 } else { heap_size(&span.resource) };
        let added =
            span.size() + SPAN_OVERHEAD + extra + if known.is_none() { TRACE_OVERHEAD } else { 0 };
        let new_span = usize::from(replaced.is_none());
        let trace_bytes = known.map_or(0, |trace| trace.bytes) + added - freed;
        let trace_spans = known.map_or(0, |trace| trace.spans.len()) + new_span;
        if trace_bytes > limits.max_bytes / 2 || trace_spans > limits.max_spans.div_ceil(2) {
            return false;
        }

        let arrival = self.next;
        let trace = self.traces.entry(span.trace_id).or_insert_with(|| Entry {
            arrival,
            spans: BTreeMap::new(),
            bytes: 0,
            charged: None,
        });
        if trace.arrival == arrival {
            self.next += 1;
            self.order.insert(arrival, span.trace_id);
        }
        trace.bytes = trace_bytes;
        trace.charged = Some(Arc::clone(&span.resource));
        trace.spans.insert(span.span_id, Arc::new(span));
        self.spans += new_span;
        self.bytes = self.bytes + added - freed;
        true
    }

    /// Drops the trace that arrived first, other than the spared one, and returns how many spans
    /// it had.
    pub(super) fn evict_oldest(&mut self, spared: Option<TraceId>) -> Option<usize> {
        let (&arrival, &trace_id) = self.order.iter().find(|(_, id)| Some(**id) != spared)?;
        self.order.remove(&arrival);
        let trace = self.traces.remove(&trace_id)?;
        self.spans -= trace.spans.len();
        self.bytes -= trace.bytes;
        Some(trace.spans.len())
    }

    pub(super) fn get(&self, trace_id: TraceId) -> Option<Trace> {
        let trace = self.traces.get(&trace_id)?;
        Some(Trace::new(trace_id, trace.spans.values().cloned()))
    }

    /// All traces, the one that arrived last first.
    pub(super) fn snapshot(&self) -> Vec<Trace> {
        self.order
            .values()
            .rev()
            .filter_map(|id| self.get(*id))
            .collect()
    }

    pub(super) fn spans(&self) -> usize {
        self.spans
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}
