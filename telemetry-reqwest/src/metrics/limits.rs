//! The limits of the metrics.

/// The limit of label sets of each instrument. Further ones share the overflow series. It is below the SDK's own limit
/// of 2000, so this one takes effect.
pub(crate) const MAX_SERIES: usize = 1500;
