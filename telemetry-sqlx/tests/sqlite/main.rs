//! Spans and metrics of statements on SQLite.

// Clippy's `allow-*-in-tests` covers test functions, not their helpers.
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
