//! Bounds of histogram buckets, and units.

mod unit_bounds;

pub use unit_bounds::for_unit;

/// The unit of durations.
pub const SECONDS: &str = "s";
/// The unit of sizes.
pub const BYTES: &str = "By";

/// Durations of calls, in seconds, from a cache hit to a slow remote call: the bounds that the HTTP conventions advise.
pub const CALL_SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// Durations of database operations, in seconds: the bounds that the database conventions advise.
pub const DATABASE_SECONDS: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// Body sizes of clients and servers, in bytes: from an empty body in steps of eight to 16 MiB. The conventions advise none,
/// and the SDK's own end at 10 kB.
pub const BODY_BYTES: [f64; 9] = [
    0.0,
    64.0,
    512.0,
    4096.0,
    32768.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
];

/// Rows of a database's answer.
pub const ROWS: [f64; 13] = [
    1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10000.0,
];

/// Any other number: the default of the metrics SDK specification.
pub const NUMBERS: [f64; 15] = [
    0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0,
    10000.0,
];
