//! Ids that are the same in every run.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::IdGenerator;

/// The SplitMix64 sequence of a seed: spread over all bits, so that samplers which read ids as numbers decide as they
/// do for random ones.
#[derive(Clone, Debug)]
pub(crate) struct SeededIds(Arc<AtomicU64>);

impl SeededIds {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(AtomicU64::new(mix(seed))))
    }

    fn next(&self) -> u64 {
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        let state = self.0.fetch_add(GOLDEN, Ordering::Relaxed);
        // Zero is no id.
        mix(state.wrapping_add(GOLDEN)).max(1)
    }
}

impl IdGenerator for SeededIds {
    fn new_trace_id(&self) -> TraceId {
        TraceId::from(u128::from(self.next()) << 64 | u128::from(self.next()))
    }

    fn new_span_id(&self) -> SpanId {
        SpanId::from(self.next())
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
