use std::future::Future;
use std::io;
use std::net::SocketAddr;

use clap::Parser;
use telemetry_viewer::{Limits, ViewerOptions};

/// Receives OpenTelemetry traces, metrics and logs, keeps the newest in memory and shows them.
///
/// Point an exporter at one of the two addresses (OTEL_EXPORTER_OTLP_ENDPOINT) and open the HTTP
/// address in a browser. Nothing is written to disk and there is no access control: it is meant for
/// development, and listens on the loopback interface only unless told otherwise.
#[derive(Debug, Parser)]
#[command(name = "telemetry-viewer", version)]
pub(crate) struct Arguments {
    /// Address for OTLP/gRPC; port 0 takes any free port.
    #[arg(long, value_name = "ADDR", env = "TELEMETRY_VIEWER_GRPC", default_value_t = ViewerOptions::default().grpc)]
    grpc: SocketAddr,

    /// Address for OTLP/HTTP, the web page and the query API; port 0 takes any free port.
    #[arg(long, value_name = "ADDR", env = "TELEMETRY_VIEWER_HTTP", default_value_t = ViewerOptions::default().http)]
    http: SocketAddr,

    /// Spans to keep; beyond it the oldest traces give way. Log records are limited to as many.
    #[arg(long, value_name = "COUNT", env = "TELEMETRY_VIEWER_MAX_SPANS", default_value_t = Limits::default().max_spans)]
    max_spans: usize,

    /// Memory for traces, metrics and logs together, in bytes; beyond it the oldest give way.
    #[arg(long, value_name = "BYTES", env = "TELEMETRY_VIEWER_MAX_BYTES", default_value_t = Limits::default().max_bytes)]
    max_bytes: usize,
}

impl Arguments {
    pub(crate) fn into_options(self) -> ViewerOptions {
        ViewerOptions {
            grpc: self.grpc,
            http: self.http,
            limits: Limits {
                max_spans: self.max_spans,
                max_logs: self.max_spans,
                max_bytes: self.max_bytes,
                ..Limits::default()
            },
        }
    }
}

/// Resolves at the first SIGINT or SIGTERM after this call.
#[cfg(unix)]
pub(crate) fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Resolves at the first Ctrl-C.
#[cfg(not(unix))]
pub(crate) fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
