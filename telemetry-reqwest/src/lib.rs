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
/// For options see [`client_with`]; with a retry middleware in front, build it with [`TelemetryMiddleware`].
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

/// A client with options of both. Where [`with_propagation_to`](TelemetryMiddleware::with_propagation_to) names hosts, it
/// follows redirects to these only, by their [`redirect_policy`](Hosts::redirect_policy), which replaces that of the
/// builder: reqwest would take the headers to any host it is redirected to.
///
/// ```
/// # fn main() -> reqwest::Result<()> {
/// use telemetry_reqwest::{Hosts, TelemetryMiddleware};
///
/// let ours = TelemetryMiddleware::new().with_propagation_to(Hosts::new([".shop.internal"]));
/// let client = telemetry_reqwest::client_with(reqwest::Client::builder(), ours)?;
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// The builder's, such as when there is no TLS to be had.
pub fn client_with(
    builder: reqwest::ClientBuilder,
    middleware: TelemetryMiddleware,
) -> reqwest::Result<ClientWithMiddleware> {
    let client = middleware.guard(builder).build()?;
    Ok(ClientBuilder::new(client).with(middleware).build())
}
