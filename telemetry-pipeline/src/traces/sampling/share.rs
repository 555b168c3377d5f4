//! How many traces are sampled.

use std::sync::Arc;

use opentelemetry::trace::{TraceId, TraceState};

use super::{
    rate::{self, Clock, RateLimit},
    shortcut::Known,
    threshold::{self, Threshold},
    trace_state,
};

#[derive(Clone, Debug)]
pub(crate) enum Share {
    /// Not even those that end badly.
    Drop,
    None,
    Ratio(Box<Threshold>),
    Limited(Arc<RateLimit>),
    All,
}

impl Share {
    pub(crate) fn ratio(ratio: f64) -> Self {
        Self::Ratio(Box::new(Threshold::of(ratio)))
    }

    pub(crate) fn rate_limited(traces_per_second: f64) -> Self {
        Self::rate_limited_by(traces_per_second, rate::monotonic())
    }

    pub(crate) fn rate_limited_by(traces_per_second: f64, clock: Clock) -> Self {
        Self::Limited(Arc::new(RateLimit::new(traces_per_second, clock)))
    }

    /// True if a trace is sampled, and the trace state it is sampled with.
    ///
    /// Only a ratio says with which probability; whatever the caller's state said of it does not hold here.
    pub(crate) fn sample(&self, trace_id: TraceId, state: &TraceState) -> Option<TraceState> {
        let sampled = match self {
            Self::Ratio(threshold) => return threshold.sample(trace_id, state),
            Self::Drop | Self::None => false,
            Self::Limited(limit) => limit.take(),
            Self::All => true,
        };
        sampled.then(|| trace_state::with_threshold(state, None))
    }

    /// The decisions that follow from the trace id alone.
    pub(crate) fn known(&self) -> Known {
        match self {
            Self::All => Known::All,
            Self::Ratio(threshold) => Known::NoneBelow(threshold.value()),
            Self::Drop | Self::None => Known::NoneBelow(threshold::RANGE),
            Self::Limited(_) => Known::NOTHING,
        }
    }

    /// True if more traces than not will be sampled. Of a limited rate this is unknown, and under load, when it matters,
    /// they are not.
    pub(crate) fn keeps_most(&self) -> bool {
        match self {
            Self::Drop | Self::None | Self::Limited(_) => false,
            Self::Ratio(threshold) => threshold.keeps_most(),
            Self::All => true,
        }
    }
}
