//! The state that the sampler, the keeper and their handle share.

use std::{fmt, sync::Mutex};

use arc_swap::ArcSwap;

use super::{
    counts::SpanCounts, pending::PendingTraces, policy::SamplerPolicy, shortcut::Shortcut,
};
use telemetry_api::instrument::tracer::LiveSamplingHint;

pub(crate) struct Live {
    pub(crate) hint: LiveSamplingHint,
    pub(crate) shortcut: Shortcut,
    pub(crate) policy: ArcSwap<SamplerPolicy>,
    pub(crate) pending: PendingTraces,
    pub(crate) spans: SpanCounts,
    /// Held while the policy changes.
    pub(crate) changing: Mutex<()>,
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sampler")
            .field("policy", &self.policy.load())
            .field("counts", &self.pending.counts())
            .finish_non_exhaustive()
    }
}
