#![doc = include_str!("../README.md")]

mod api;
pub mod instrument;

pub use opentelemetry;

pub use api::*;
#[cfg(feature = "macros")]
pub use telemetry_macros::api_step as step;
