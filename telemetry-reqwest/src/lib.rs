#![doc = include_str!("../README.md")]

// The modules form a line. Each one uses only modules that stand after it here:
//
//   grpc                 the tower layer for tonic channels, behind the cargo feature `grpc`
//   middleware           TelemetryMiddleware: options, start and end of an attempt
//   attempt              the span and the metrics of one attempt, and the response body that ends it
//   metrics              instruments, their series, and the bounded set of servers that they tell apart
//   outgoing             the headers that carry the context to the next service
//   orphan               the log of a call outside of any span
//   options, hosts       the choices behind the `with_` methods; the allow-list of hosts
//   request_extension    UrlTemplate and NoPropagation
//   error_type, outcome  the values of `error.type` and `telemetry.outcome`
mod attempt;
mod error_type;
mod hosts;
mod metrics;
mod middleware;
mod options;
mod orphan;
mod outcome;
mod outgoing;
mod request_extension;

#[cfg(feature = "grpc")]
pub mod grpc;

pub use hosts::Hosts;
pub use middleware::TelemetryMiddleware;
pub use options::SpanEnd;
pub use request_extension::{NoPropagation, UrlTemplate};

use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

/// Wraps a client so that each of its calls is instrumented, with the default options.
///
/// [`client_with`] takes options. For a client with a retry middleware, use [`TelemetryMiddleware`] itself.
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

/// Builds a client with the options of the builder and of the middleware.
///
/// If [`with_propagation_to`](TelemetryMiddleware::with_propagation_to) names hosts, the client follows redirects to
/// these hosts only. Their [`redirect_policy`](Hosts::redirect_policy) replaces the policy of the builder, because
/// reqwest would send the headers to any host that it is redirected to.
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
/// The error of the builder, such as a TLS backend that cannot start.
pub fn client_with(
    builder: reqwest::ClientBuilder,
    middleware: TelemetryMiddleware,
) -> reqwest::Result<ClientWithMiddleware> {
    let client = middleware.guard(builder).build()?;
    Ok(ClientBuilder::new(client).with(middleware).build())
}
