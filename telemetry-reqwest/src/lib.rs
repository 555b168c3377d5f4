#![doc = include_str!("../README.md")]

mod attempt;
mod error_type;
mod metrics;
mod middleware;

pub use middleware::TelemetryMiddleware;
