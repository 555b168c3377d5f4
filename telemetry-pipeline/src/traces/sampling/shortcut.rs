//! The part of a policy that one atomic holds: decisions that need no look at the rest.

use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::trace::TraceId;

use super::threshold;

/// Decides about traces that begin here where the trace id alone does. Loading the policy costs more than that.
#[derive(Debug)]
pub(crate) struct Shortcut(AtomicU64);

/// Of a policy without rules that keeps nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Every trace is sampled, with an empty trace state.
    All,
    /// Traces of less randomness are not sampled; the policy decides about the others. 0: about all.
    NoneBelow(u64),
}

impl Known {
    /// Ask the policy.
    pub(crate) const NOTHING: Self = Self::NoneBelow(0);

    fn to_bits(self) -> u64 {
        match self {
            Self::All => u64::MAX,
            Self::NoneBelow(threshold) => threshold,
        }
    }
}

impl Shortcut {
    pub(crate) fn new(known: Known) -> Self {
        Self(AtomicU64::new(known.to_bits()))
    }

    pub(crate) fn set(&self, known: Known) {
        self.0.store(known.to_bits(), Ordering::Relaxed);
    }

    /// True if the trace is sampled; `None` if the policy is to be asked.
    pub(crate) fn decide(&self, trace_id: TraceId) -> Option<bool> {
        match self.0.load(Ordering::Relaxed) {
            u64::MAX => Some(true),
            below => (threshold::trace_randomness(trace_id) < below).then_some(false),
        }
    }
}
