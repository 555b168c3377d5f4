//! The `telemetry-viewer` program: a development backend for OpenTelemetry.

mod cli;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use telemetry_viewer::Viewer;

#[tokio::main]
async fn main() -> ExitCode {
    match run(cli::Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With stderr gone there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "telemetry-viewer: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: cli::Arguments) -> Result<(), Box<dyn std::error::Error>> {
    // Signals are taken over before the addresses are printed: whoever reads them may send one.
    let stop = cli::stop_signal()?;
    let viewer = Viewer::start(arguments.into_options()).await?;
    {
        let mut stdout = std::io::stdout().lock();
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
