#![doc = include_str!("../README.md")]

mod address;
mod attempt;
mod body;
mod carry;
mod error_type;
mod extension;
mod hosts;
mod metrics;
mod middleware;
mod options;

#[cfg(feature = "grpc")]
pub mod grpc;

pub use extension::{NoPropagation, UrlTemplate};
pub use hosts::Hosts;
pub use middleware::TelemetryMiddleware;
pub use options::SpanEnd;

use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

/// A client whose every call is instrumented with the defaults; the shortest way to one.
///
/// For options, or with a retry middleware in front, build it with [`TelemetryMiddleware`].
///
/// ```
/// let client = telemetry_reqwest::client(reqwest::Client::new());
/// let call = client.get("http://inventory:8080/stock/4711");
/// ```
pub fn client(client: reqwest::Client) -> ClientWithMiddleware {
    ClientBuilder::new(client)
        .with(TelemetryMiddleware::new())
        .build()
}
