//! The business metrics.

use telemetry_core::{Gauge, gauge};

/// Set whenever it is known, and only for articles there are: a caller cannot invent series.
pub(crate) static STOCK: Gauge = gauge("retail.stock")
    .unit("{item}")
    .description("What is left of an article.");
