use std::collections::hash_map::Entry as MapEntry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::held::Held;
use crate::model::{Attributes, Span, SpanId, TraceId, heap_size};
use crate::options::Limits;

/// What a span and a trace cost beside their content: their places in the tables and in what readers share.
const SPAN_OVERHEAD: usize = 96;
const TRACE_OVERHEAD: usize = 512;

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
    held: Arc<Held>,
    /// The place of each span in `held`.
    places: HashMap<SpanId, usize>,
    bytes: usize,
    /// The last resource whose size is part of `bytes`.
    charged: Option<Arc<Attributes>>,
}

impl TraceTable {
    /// Adds a span; false if its trace has its share of the limits.
    pub(super) fn insert(&mut self, span: Span, version: u64, limits: &Limits) -> bool {
        let known = self.traces.get(&span.trace_id);
        let place = known.and_then(|trace| trace.places.get(&span.span_id).copied());
        let replaced = place.and_then(|place| known?.held.spans().get(place));
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
        let trace_spans = known.map_or(0, |trace| trace.places.len()) + new_span;
        if trace_bytes > limits.max_bytes / 2 || trace_spans > limits.max_spans.div_ceil(2) {
            return false;
        }

        let trace = match self.traces.entry(span.trace_id) {
            MapEntry::Occupied(known) => known.into_mut(),
            MapEntry::Vacant(place) => {
                let arrival = self.next;
                self.next += 1;
                self.order.insert(arrival, span.trace_id);
                place.insert(Entry {
                    arrival,
                    held: Arc::new(Held::new(span.trace_id)),
                    places: HashMap::new(),
                    bytes: 0,
                    charged: None,
                })
            }
        };
        trace.bytes = trace_bytes;
        trace.charged = Some(Arc::clone(&span.resource));
        let place = place.unwrap_or(trace.places.len());
        trace.places.insert(span.span_id, place);
        // Copies the list of spans if a reader has it; the spans themselves are shared.
        Arc::make_mut(&mut trace.held).put(Arc::new(span), place, version);
        self.spans += new_span;
        self.bytes = self.bytes + added - freed;
        true
    }

    /// Drops the trace that arrived first, other than the spared one, and returns how many spans
    /// it had.
    pub(super) fn evict_oldest(&mut self, spared: Option<TraceId>) -> Option<usize> {
        let (_, &trace_id) = self.order.iter().find(|(_, id)| Some(**id) != spared)?;
        let trace = self.traces.remove(&trace_id)?;
        self.order.remove(&trace.arrival);
        self.spans -= trace.places.len();
        self.bytes -= trace.bytes;
        Some(trace.places.len())
    }

    pub(super) fn get(&self, trace_id: TraceId) -> Option<Arc<Held>> {
        self.traces
            .get(&trace_id)
            .map(|trace| Arc::clone(&trace.held))
    }

    /// Up to `count` traces that arrived at `from` or later, in that order, and where to go on.
    pub(super) fn piece(&self, from: u64, count: usize) -> (Vec<Arc<Held>>, Option<u64>) {
        let mut rest = self.order.range(from..);
        let piece = rest
            .by_ref()
            .take(count)
            .filter_map(|(_, id)| self.get(*id))
            .collect();
        (piece, rest.next().map(|(arrival, _)| *arrival))
    }

    pub(super) fn len(&self) -> usize {
        self.traces.len()
    }

    pub(super) fn spans(&self) -> usize {
        self.spans
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}
