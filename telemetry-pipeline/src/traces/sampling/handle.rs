//! The sampler of a running pipeline, changeable.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;

use super::{
    counts::{SamplingCounts, SpanCounts},
    keeper::Keeper,
    live::Live,
    pending::{Bounds, PendingTraces},
    policy::SamplerPolicy,
    rate::{self, Clock},
    sampler::LiveSampler,
    shortcut::{Known, Shortcut},
};
use crate::traces::Processor;
use telemetry_api::instrument::tracer::{LiveSamplingHint, SamplingHint};

/// The sampler of a running pipeline. Clones are the same sampler.
///
/// ```
/// use telemetry_pipeline::{Config, SamplerPolicy};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let telemetry = Config::new("shop").with_environment([("OTEL_TRACES_EXPORTER", "none")]).build()?;
/// telemetry.sampler().set(SamplerPolicy::rate_limited(5.0));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SamplerHandle(Arc<Live>);

impl SamplerHandle {
    pub(crate) fn new(policy: SamplerPolicy) -> Self {
        Self::bounded(policy, Bounds::default(), rate::monotonic())
    }

    pub(crate) fn bounded(policy: SamplerPolicy, bounds: Bounds, clock: Clock) -> Self {
        Self(Arc::new(Live {
            hint: LiveSamplingHint::new(policy.hint()),
            shortcut: Shortcut::new(policy.known()),
            policy: ArcSwap::from_pointee(policy),
            pending: PendingTraces::new(bounds, clock),
            spans: SpanCounts::default(),
            changing: Mutex::new(()),
        }))
    }

    /// Decides by this from now on: for every trace that begins here after this returns. Traces that have begun keep
    /// their decision, but an unsampled one is kept or discarded by the policy at its end.
    ///
    /// Spans that start meanwhile are decided by the one or the other. Nothing waits for this on the request's path.
    pub fn set(&self, policy: SamplerPolicy) {
        let _one_at_a_time = self
            .0
            .changing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (before, after, known) = (self.0.hint.get(), policy.hint(), policy.known());
        // Meanwhile what is known has to hold for both.
        self.0.shortcut.set(Known::NOTHING);
        self.0.hint.set(SamplingHint {
            reads_attributes: before.reads_attributes || after.reads_attributes,
            records_roots: after.records_roots,
            records_unsampled: before.records_unsampled || after.records_unsampled,
            decides: before.decides.max(after.decides),
        });
        self.0.policy.store(Arc::new(policy));
        self.0.hint.set(after);
        self.0.shortcut.set(known);
    }

    /// The policy of the moment, for instance to change it: a rate limit is shared with the clone, tokens included.
    pub fn policy(&self) -> SamplerPolicy {
        SamplerPolicy::clone(&self.0.policy.load())
    }

    /// The fate of unsampled traces.
    pub fn counts(&self) -> SamplingCounts {
        self.0.pending.counts()
    }

    pub(crate) fn spans(&self) -> &SpanCounts {
        &self.0.spans
    }

    pub(crate) fn sampler(&self) -> LiveSampler {
        LiveSampler(self.0.clone())
    }

    pub(crate) fn hint(&self) -> LiveSamplingHint {
        self.0.hint.clone()
    }

    /// Puts itself in front of a processor, which then sees sampled spans only: those that were, and those kept.
    pub(crate) fn keeper<P: Processor>(&self, next: P) -> Keeper<P> {
        Keeper {
            next,
            shared: self.0.clone(),
        }
    }
}

impl fmt::Debug for SamplerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
