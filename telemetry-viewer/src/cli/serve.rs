use std::error::Error;
use std::future::Future;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};

use clap::Args;
use telemetry_viewer::{Limits, Viewer, ViewerOptions};

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Address for OTLP/gRPC; port 0 takes any free port.
    #[arg(long, value_name = "ADDR", env = "TELEMETRY_VIEWER_GRPC", default_value_t = ViewerOptions::default().grpc, value_parser = address)]
    grpc: SocketAddr,

    /// Address for OTLP/HTTP, the web page and the query API; port 0 takes any free port.
    #[arg(long, value_name = "ADDR", env = "TELEMETRY_VIEWER_HTTP", default_value_t = ViewerOptions::default().http, value_parser = address)]
    http: SocketAddr,

    /// Host name by which the page and the API answer, beside localhost and loopback addresses; repeatable. Every
    /// other name gets 403.
    #[arg(
        long = "allow-host",
        value_name = "NAME",
        env = "TELEMETRY_VIEWER_ALLOW_HOST",
        value_delimiter = ','
    )]
    allow_hosts: Vec<String>,

    /// Spans to keep; beyond it the oldest traces give way. Log records are limited to as many.
    #[arg(long, value_name = "COUNT", env = "TELEMETRY_VIEWER_MAX_SPANS", default_value_t = Limits::default().max_spans)]
    max_spans: usize,

    /// Memory for traces, metrics and logs together, in bytes; beyond it the oldest give way.
    #[arg(long, value_name = "BYTES", env = "TELEMETRY_VIEWER_MAX_BYTES", default_value_t = Limits::default().max_bytes)]
    max_bytes: usize,
}

impl Serve {
    fn into_options(self) -> ViewerOptions {
        ViewerOptions {
            grpc: self.grpc,
            http: self.http,
            limits: Limits {
                max_spans: self.max_spans,
                max_logs: self.max_spans,
                max_bytes: self.max_bytes,
                ..Limits::default()
            },
            allow_hosts: self.allow_hosts,
        }
    }
}

pub(super) async fn run(arguments: Serve) -> Result<(), Box<dyn Error>> {
    // Signals are taken over before the addresses are printed: whoever reads them may send one.
    let stop = stop_signal()?;
    let viewer = Viewer::start(arguments.into_options()).await?;
    {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "OTLP/gRPC  {}", viewer.grpc_endpoint())?;
        writeln!(
            stdout,
            "OTLP/HTTP  {}  (web page and API too)",
            viewer.http_endpoint()
        )?;
        stdout.flush()?;
    }
    stop.await;
    viewer.shutdown().await;
    Ok(())
}

/// Reads an address and port; a name must be one of this machine.
fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let port = |port: &str| port.parse::<u16>().ok();
    if let Some(port) = text.strip_prefix("localhost:").and_then(port) {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    Err(match port(text) {
        Some(port) => format!("the address is missing; write 127.0.0.1:{port}"),
        None => {
            "not an address with a port; write 127.0.0.1:4318, or 0.0.0.0:4318 for all interfaces"
                .to_owned()
        }
    })
}

/// Resolves at the first SIGINT or SIGTERM after this call.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
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
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
