//! Units of metrics, in UCUM.

/// The unit of durations.
pub const SECONDS: &str = "s";
/// The unit of sizes.
pub const BYTES: &str = "By";
