use std::collections::HashMap;
use std::sync::Arc;

use super::classify::Key;
use crate::model::{Span, TraceId};
use crate::store::Held;

/// Parts into which the time of all spans is divided for a sparkline.
pub(crate) const SLOTS: usize = 30;
const MINUTE: u64 = 60_000_000_000;

/// The spans of one operation.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Nanoseconds, in no order until they are asked for percentiles.
    pub(super) durations: Vec<u64>,
    pub(super) errors: u64,
    /// Spans that ended in the last minute.
    pub(super) recent: u64,
    /// Start of the first and end of the last.
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) slots: [u32; SLOTS],
    pub(super) slowest: Option<(u64, TraceId)>,
    pub(super) failed: Option<(u64, TraceId)>,
}

/// The spans by operation.
pub(super) fn seen(traces: &[Arc<Held>], now: u64) -> HashMap<Key, Seen> {
    let starts = || traces.iter().map(|held| held.summary().start_unix_nanos);
    let (first, last) = (starts().min().unwrap_or(0), starts().max().unwrap_or(0));
    let slot = (last.saturating_sub(first) / SLOTS as u64).max(1);
    let mut all: HashMap<Key, Seen> = HashMap::new();
    for held in traces {
        for span in held.spans() {
            if let Some(key) = Key::of_span(span) {
                let index = span.start_unix_nanos.saturating_sub(first) / slot;
                let index = usize::try_from(index).unwrap_or(SLOTS).min(SLOTS - 1);
                all.entry(key).or_default().add(span, index, now);
            }
        }
    }
    for seen in all.values_mut() {
        seen.durations.sort_unstable();
    }
    all
}

impl Seen {
    fn add(&mut self, span: &Span, slot: usize, now: u64) {
        let duration = span.duration_nanos();
        self.durations.push(duration);
        self.slots[slot] += 1;
        if self.first == 0 || span.start_unix_nanos < self.first {
            self.first = span.start_unix_nanos;
        }
        self.last = self.last.max(span.end_unix_nanos);
        if span.end_unix_nanos >= now.saturating_sub(MINUTE) && span.end_unix_nanos <= now {
            self.recent += 1;
        }
        if self.slowest.is_none_or(|(slowest, _)| duration > slowest) {
            self.slowest = Some((duration, span.trace_id));
        }
        if span.is_error() {
            self.errors += 1;
            if self.failed.is_none_or(|(at, _)| span.start_unix_nanos > at) {
                self.failed = Some((span.start_unix_nanos, span.trace_id));
            }
        }
    }

    /// The duration that so many of a hundred spans do not exceed, in seconds.
    pub(super) fn percentile(&self, share: f64) -> Option<f64> {
        let rank = (share * self.durations.len() as f64).ceil() as usize;
        let nanos = self.durations.get(rank.saturating_sub(1))?;
        Some(*nanos as f64 / 1e9)
    }
}
