//! The API for applications, beside the pipeline that ships: the test kit of telemetry-pipeline needs the same crate that
//! applications link, so these tests are outside of it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

mod business_metrics;
mod jobs;
mod messaging;
mod principal;
mod propagation;
mod task;
