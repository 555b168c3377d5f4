//! The choice of traces to export: made when they begin, and once more when they end.
//!
//! [`policy`] is the application's choice, [`sampler`] decides by it when a span starts, [`pending`] and [`keeper`]
//! hold back the spans of unsampled traces until it is known how they end.

mod counts;
mod handle;
mod keeper;
mod live;
mod pending;
mod policy;
mod rate;
mod rule;
mod sampler;
mod share;
mod shortcut;
mod threshold;
mod trace_state;

pub use counts::SamplingCounts;
pub(crate) use counts::{DECISIONS, ORIGINS};
pub use handle::SamplerHandle;
pub use policy::SamplerPolicy;
pub use rule::Rule;

#[cfg(test)]
mod tests;
