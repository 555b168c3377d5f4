use std::collections::VecDeque;
use std::sync::Arc;

use crate::model::LogRecord;
use crate::options::Limits;

/// What a record costs beside its content: its place in the queue and its counters.
const OVERHEAD: usize = 32;

/// Log records in order of arrival.
#[derive(Default)]
pub(super) struct LogTable {
    records: VecDeque<Arc<LogRecord>>,
    bytes: usize,
}

impl LogTable {
    /// Adds a record; false if it alone exceeds half of the byte limit.
    pub(super) fn insert(&mut self, record: LogRecord, limits: &Limits) -> bool {
        let size = record.size() + OVERHEAD;
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
        self.bytes -= record.size() + OVERHEAD;
        true
    }

    pub(super) fn snapshot(&self) -> Vec<Arc<LogRecord>> {
        self.records.iter().cloned().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}
