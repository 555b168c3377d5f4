use std::collections::VecDeque;
use std::sync::Arc;

use crate::model::{LogRecord, heap_size};
use crate::options::Limits;

/// What a record costs beside its content: its place in the queue and its counters.
const OVERHEAD: usize = 48;

/// Log records in order of arrival.
#[derive(Default)]
pub(super) struct LogTable {
    records: VecDeque<Arc<LogRecord>>,
    /// How many records have come and gone.
    gone: u64,
    bytes: usize,
}

impl LogTable {
    /// Adds a record; false if it alone exceeds half of the byte limit.
    pub(super) fn insert(&mut self, record: LogRecord, limits: &Limits) -> bool {
        let size = record.size() + OVERHEAD + resource_size(&record, self.records.back());
        if size > limits.max_bytes / 2 {
            return false;
        }
        self.bytes += size;
        self.records.push_back(Arc::new(record));
        true
    }

    /// Drops the record that arrived first; false if there is none.
    pub(super) fn evict_oldest(&mut self) -> bool {
        let Some(record) = self.records.pop_front() else {
            return false;
        };
        self.gone += 1;
        self.bytes -= record.size() + OVERHEAD + resource_size(&record, self.records.front());
        true
    }

    /// Up to `count` records from the one with that number on, and where to go on. Records are numbered in order of
    /// arrival, from 0.
    pub(super) fn piece(&self, from: u64, count: usize) -> (Vec<Arc<LogRecord>>, Option<u64>) {
        let from = from.max(self.gone);
        let skip = usize::try_from(from - self.gone).unwrap_or(usize::MAX);
        let piece: Vec<_> = self
            .records
            .iter()
            .skip(skip)
            .take(count)
            .cloned()
            .collect();
        let next = from + piece.len() as u64;
        (piece, (next < self.arrived()).then_some(next))
    }

    /// How many records have arrived.
    pub(super) fn arrived(&self) -> u64 {
        self.gone + self.records.len() as u64
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// The records of one request share their resource and stand together: the last of them pays for it.
fn resource_size(record: &LogRecord, neighbour: Option<&Arc<LogRecord>>) -> usize {
    let shared = neighbour.is_some_and(|it| Arc::ptr_eq(&it.resource, &record.resource));
    if shared {
        0
    } else {
        heap_size(&record.resource)
    }
}
