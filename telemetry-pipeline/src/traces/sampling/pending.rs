//! Unsampled traces of which it is not known yet how they end: their ended spans, within bounds.

use std::{
    collections::HashMap,
    mem,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use opentelemetry::trace::TraceId;
use opentelemetry_sdk::trace::SpanData;

use super::{counts::SamplingCounts, rate::Clock};
use crate::traces::span_size;

/// Enough that threads with different traces rarely meet.
const SHARDS: usize = 16;

/// A trace that lasts longer makes room for others: of a span that never ends nothing else would remain but its entry.
const MAX_AGE: Duration = Duration::from_secs(600);

/// How often room is looked for, at most.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// The most that is held back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) traces: usize,
    pub(crate) spans_per_trace: usize,
    /// Of all traces together, estimated.
    pub(crate) bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            traces: 4096,
            spans_per_trace: 512,
            bytes: 16 << 20,
        }
    }
}

pub(crate) struct PendingTraces {
    bounds: Bounds,
    clock: Clock,
    shards: [Mutex<HashMap<TraceId, Pending>>; SHARDS],
    traces: AtomicUsize,
    bytes: AtomicUsize,
    /// Seconds of the clock.
    swept: AtomicU64,
    kept: AtomicU64,
    refused: AtomicU64,
    overflowed: AtomicU64,
}

/// A trace is pending from the start of its first local root to the end of its last recorded span in this process.
struct Pending {
    began: Duration,
    /// Recorded spans that have not ended, the local roots among them.
    open: usize,
    open_roots: usize,
    /// A local root has ended such that all is exported.
    kept: bool,
    held: Vec<SpanData>,
    bytes: usize,
}

impl PendingTraces {
    pub(crate) fn new(bounds: Bounds, clock: Clock) -> Self {
        Self {
            bounds,
            clock,
            shards: Default::default(),
            traces: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            swept: AtomicU64::new(0),
            kept: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            overflowed: AtomicU64::new(0),
        }
    }

    /// True if there is room for one more trace. If not, that is counted.
    pub(crate) fn admits(&self) -> bool {
        let room = || self.traces.load(Ordering::Relaxed) < self.bounds.traces;
        if room() {
            return true;
        }
        self.sweep();
        let room = room();
        if !room {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        room
    }

    /// True if the trace is pending. While none is, this is one load.
    #[inline]
    pub(crate) fn holds(&self, trace_id: TraceId) -> bool {
        self.traces.load(Ordering::Relaxed) > 0 && self.contains(trace_id)
    }

    /// Out of line, so that the common case stays short.
    #[cold]
    fn contains(&self, trace_id: TraceId) -> bool {
        self.shard(trace_id).contains_key(&trace_id)
    }

    /// A span that is recorded but not sampled has started.
    pub(crate) fn started(&self, trace_id: TraceId, local_root: bool) {
        let mut shard = self.shard(trace_id);
        if local_root {
            let pending = shard.entry(trace_id).or_insert_with(|| {
                self.traces.fetch_add(1, Ordering::Relaxed);
                Pending {
                    began: (self.clock)(),
                    open: 0,
                    open_roots: 0,
                    kept: false,
                    held: Vec::new(),
                    bytes: 0,
                }
            });
            pending.open += 1;
            pending.open_roots += 1;
        } else if let Some(pending) = shard.get_mut(&trace_id) {
            pending.open += 1;
        }
    }

    /// A span that is recorded but not sampled has ended. Returns what is to be exported now, in the order of its ends.
    pub(crate) fn ended(&self, span: SpanData, local_root: bool, keep: bool) -> Vec<SpanData> {
        let trace_id = span.span_context.trace_id();
        // Freed after the lock.
        let _discarded;
        let mut shard = self.shard(trace_id);
        let Some(pending) = shard.get_mut(&trace_id) else {
            // Swept meanwhile. Of a trace to keep, the root is better than nothing.
            self.kept.fetch_add(u64::from(keep), Ordering::Relaxed);
            return if keep { vec![span] } else { Vec::new() };
        };
        pending.open = pending.open.saturating_sub(1);
        pending.open_roots = pending.open_roots.saturating_sub(usize::from(local_root));
        if keep && !pending.kept {
            pending.kept = true;
            self.kept.fetch_add(1, Ordering::Relaxed);
        }
        let mut exported = Vec::new();
        if pending.kept {
            exported = self.release(pending);
            exported.push(span);
            _discarded = Vec::new();
        } else if pending.open_roots == 0 {
            let mut discarded = self.release(pending);
            discarded.push(span);
            _discarded = discarded;
        } else {
            self.hold(pending, span);
            _discarded = Vec::new();
        }
        if pending.open == 0 {
            self.release(pending);
            shard.remove(&trace_id);
            self.traces.fetch_sub(1, Ordering::Relaxed);
        }
        exported
    }

    pub(crate) fn counts(&self) -> SamplingCounts {
        SamplingCounts {
            kept_traces: self.kept.load(Ordering::Relaxed),
            refused_traces: self.refused.load(Ordering::Relaxed),
            overflowed_spans: self.overflowed.load(Ordering::Relaxed),
        }
    }

    fn hold(&self, pending: &mut Pending, span: SpanData) {
        let size = span_size::of(&span);
        let bytes = self.bytes.fetch_add(size, Ordering::Relaxed) + size;
        if pending.held.len() >= self.bounds.spans_per_trace || bytes > self.bounds.bytes {
            self.bytes.fetch_sub(size, Ordering::Relaxed);
            self.overflowed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        pending.bytes += size;
        pending.held.push(span);
    }

    fn release(&self, pending: &mut Pending) -> Vec<SpanData> {
        self.bytes
            .fetch_sub(mem::take(&mut pending.bytes), Ordering::Relaxed);
        mem::take(&mut pending.held)
    }

    fn sweep(&self) {
        let now = (self.clock)();
        let due = |swept: u64| {
            (now.as_secs() >= swept + SWEEP_INTERVAL.as_secs()).then_some(now.as_secs())
        };
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        if self.swept.fetch_update(set, fetch, due).is_err() {
            return;
        }
        for shard in &self.shards {
            lock(shard).retain(|_, pending| {
                let recent = now.saturating_sub(pending.began) < MAX_AGE;
                if !recent {
                    drop(self.release(pending));
                    self.traces.fetch_sub(1, Ordering::Relaxed);
                }
                recent
            });
        }
    }

    fn shard(&self, trace_id: TraceId) -> MutexGuard<'_, HashMap<TraceId, Pending>> {
        let [.., last] = trace_id.to_bytes();
        lock(&self.shards[usize::from(last) % SHARDS])
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
