//! What spans and metrics say about statements on SQLite.

// Clippy knows test functions, not their helpers.
#![allow(clippy::unwrap_used, clippy::panic)]

mod calls;
mod checked;
mod dropped;
mod failures;
mod metrics;
mod pool;
mod spans;
mod support;
mod suppressed;
mod transactions;
