use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use super::{State, Store, decode, decode_metric};
use crate::options::Limits;

/// Items are stored so many at a time, so that readers and other senders get their turn.
const BATCH: usize = 256;

impl Store {
    /// Adds the spans of a request and returns how many were refused: those without a valid trace
    /// or span id, and those beyond what one trace may take. A span whose id is already known in
    /// its trace replaces the earlier one, so that a repeated export changes nothing.
    pub fn add_traces(&self, request: ExportTraceServiceRequest) -> u64 {
        let mut intake = self.intake(|state, span: crate::model::Span, limits| {
            let trace_id = span.trace_id;
            let taken = state.traces.insert(span, state.version, limits);
            if taken {
                state.make_room(limits, Some(trace_id));
            }
            taken
        });
        let malformed = decode::spans(request, |span| intake.push(span));
        intake.finish(malformed)
    }

    /// Adds the log records of a request and returns how many were refused: those that alone
    /// exceed half of the byte limit.
    pub fn add_logs(&self, request: ExportLogsServiceRequest) -> u64 {
        let mut intake = self.intake(|state, record, limits| {
            let taken = state.logs.insert(record, limits);
            if taken {
                state.make_room(limits, None);
            }
            taken
        });
        decode::logs(request, |record| intake.push(record));
        intake.finish(0)
    }

    /// Adds the metric points of a request and returns how many were refused: malformed histograms,
    /// and points that alone exceed half of the byte limit.
    pub fn add_metrics(&self, request: ExportMetricsServiceRequest) -> u64 {
        let mut intake = self.intake(|state, point, limits| {
            let taken = state.series.insert(point, limits);
            if taken {
                state.make_room(limits, None);
            }
            taken
        });
        let malformed = decode_metric::points(request, |point| intake.push(point));
        intake.finish(malformed)
    }

    fn intake<T, F: FnMut(&mut State, T, &Limits) -> bool>(&self, insert: F) -> Intake<'_, T, F> {
        Intake {
            store: self,
            waiting: Vec::new(),
            insert,
            refused: 0,
        }
    }
}

/// Collects items without the lock and stores them with it.
struct Intake<'a, T, F> {
    store: &'a Store,
    waiting: Vec<T>,
    insert: F,
    refused: u64,
}

impl<T, F: FnMut(&mut State, T, &Limits) -> bool> Intake<'_, T, F> {
    fn push(&mut self, item: T) {
        self.waiting.push(item);
        if self.waiting.len() >= BATCH {
            self.store_waiting(0);
        }
    }

    /// Stores what waits, and returns how many items were refused in all.
    fn finish(mut self, malformed: u64) -> u64 {
        self.store_waiting(malformed);
        self.refused
    }

    fn store_waiting(&mut self, malformed: u64) {
        let limits = self.store.limits();
        let mut refused = malformed;
        let mut state = self.store.lock();
        state.version += 1;
        for item in self.waiting.drain(..) {
            refused += u64::from(!(self.insert)(&mut state, item, &limits));
        }
        state.evicted.refused += refused;
        self.refused += refused;
    }
}
