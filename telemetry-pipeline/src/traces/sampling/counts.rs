//! How many spans were started, by the sampler's answer and by where their parent was.

use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::trace::SpanContext;
use opentelemetry_sdk::trace::SamplingDecision;

/// The values of `otel.span.sampling_result`.
pub(crate) const DECISIONS: [&str; 3] = ["DROP", "RECORD_ONLY", "RECORD_AND_SAMPLE"];

/// The values of `otel.span.parent.origin`.
pub(crate) const ORIGINS: [&str; 3] = ["none", "remote", "local"];

/// Counted by the sampler, as it alone sees every span: one relaxed addition a span.
#[derive(Debug, Default)]
pub(crate) struct SpanCounts {
    started: [[AtomicU64; ORIGINS.len()]; DECISIONS.len()],
    ended_unsampled: AtomicU64,
    kept: AtomicU64,
}

impl SpanCounts {
    #[inline]
    pub(crate) fn count(&self, decision: &SamplingDecision, parent: Option<&SpanContext>) {
        let result = match decision {
            SamplingDecision::Drop => 0,
            SamplingDecision::RecordOnly => 1,
            SamplingDecision::RecordAndSample => 2,
        };
        let origin = match parent {
            None => 0,
            Some(parent) if parent.is_remote() => 1,
            Some(_) => 2,
        };
        self.started[result][origin].fetch_add(1, Ordering::Relaxed);
    }

    /// A span that is recorded but was not sampled has ended.
    pub(crate) fn ended_unsampled_one(&self) {
        self.ended_unsampled.fetch_add(1, Ordering::Relaxed);
    }

    /// A span that was not sampled is exported all the same.
    pub(crate) fn kept_one(&self) {
        self.kept.fetch_add(1, Ordering::Relaxed);
    }

    /// By the indices of [`DECISIONS`] and [`ORIGINS`].
    pub(crate) fn started(&self, result: usize, origin: usize) -> u64 {
        self.started[result][origin].load(Ordering::Relaxed)
    }

    pub(crate) fn started_of(&self, result: usize) -> u64 {
        (0..ORIGINS.len())
            .map(|origin| self.started(result, origin))
            .sum()
    }

    pub(crate) fn ended_unsampled(&self) -> u64 {
        self.ended_unsampled.load(Ordering::Relaxed)
    }

    pub(crate) fn kept(&self) -> u64 {
        self.kept.load(Ordering::Relaxed)
    }
}

/// The fate of unsampled traces that were recorded in case they end badly, counted from the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SamplingCounts {
    /// Traces exported because of how they ended.
    pub kept_traces: u64,
    /// Traces not recorded, because too many were pending.
    pub refused_traces: u64,
    /// Spans of pending traces that were not held back, because there were too many or they were too large.
    pub overflowed_spans: u64,
}
