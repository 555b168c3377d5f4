use std::net::{Ipv4Addr, SocketAddr};

/// Where a viewer listens and how much it keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewerOptions {
    /// Address of the OTLP/gRPC receiver. Default `127.0.0.1:4317`; port 0 takes any free port.
    pub grpc: SocketAddr,
    /// Address of the OTLP/HTTP receiver, the query API and the web page. Default `127.0.0.1:4318`;
    /// port 0 takes any free port.
    pub http: SocketAddr,
    /// How much to keep.
    pub limits: Limits,
    /// Host names other than those of loopback by which the page and the API answer: `viewer.test`. Requests for
    /// any other name get 403, so that no page of another site can read what is here. Default: none.
    pub allow_hosts: Vec<String>,
}

impl ViewerOptions {
    /// Any free port of the loopback interface for both protocols: for tests that run in parallel.
    pub fn ephemeral() -> Self {
        Self {
            grpc: loopback(0),
            http: loopback(0),
            limits: Limits::default(),
            allow_hosts: Vec::new(),
        }
    }
}

impl Default for ViewerOptions {
    fn default() -> Self {
        Self {
            grpc: loopback(4317),
            http: loopback(4318),
            limits: Limits::default(),
            allow_hosts: Vec::new(),
        }
    }
}

/// How much a store keeps before the oldest gives way.
///
/// Every limit holds at all times, whatever is sent. One trace may take at most half of
/// `max_spans` and half of `max_bytes`; further spans of it are refused, so that one endless trace
/// cannot push out all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Spans of all traces together. Default 100 000.
    pub max_spans: usize,
    /// Log records. Default 100 000.
    pub max_logs: usize,
    /// Metric series. Default 10 000.
    pub max_series: usize,
    /// Memory of spans, logs and metrics together, in bytes, as estimated from their content.
    /// Default 256 MiB. When it is exceeded, the kind that takes most gives way first. Requests that are being
    /// received count, too: together they may take half of it, or 1 MiB if that is more.
    pub max_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_spans: 100_000,
            max_logs: 100_000,
            max_series: 10_000,
            max_bytes: 256 * 1024 * 1024,
        }
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
