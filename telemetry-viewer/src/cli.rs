//! The command line.

mod commands;
mod export;
mod import;
mod serve;
mod show;
mod source;
mod tail;
mod terminal;
mod traces;

use std::error::Error;

use clap::{Parser, Subcommand};

use self::commands::{Diff, Export, Import, Show, Tail, Traces};
use self::serve::Serve;

/// Receives OpenTelemetry traces, metrics and logs, keeps the newest in memory and shows them.
///
/// Without a command it runs: point an exporter at one of the two addresses (OTEL_EXPORTER_OTLP_ENDPOINT) and open the
/// HTTP address in a browser. Nothing is written to disk and there is no access control: it is meant for development,
/// and listens on the loopback interface only unless told otherwise.
#[derive(Debug, Parser)]
#[command(
    name = "telemetry-viewer",
    version,
    args_conflicts_with_subcommands = true
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints each trace when its request has ended, and log lines, as they arrive.
    Tail(Tail),
    /// Lists traces, the newest first.
    Traces(Traces),
    /// Draws one trace as a waterfall, with its logs.
    Show(Show),
    /// Tells what takes longer in the second of two traces, and what is new.
    Diff(Diff),
    /// Writes traces, logs and metrics to a file of OTLP JSON lines.
    Export(Export),
    /// Sends a file of OTLP JSON lines to a running viewer.
    Import(Import),
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    match arguments.command {
        None => serve::run(arguments.serve).await,
        Some(Command::Tail(tail)) => tail::run(&tail).await,
        Some(Command::Traces(traces)) => traces::run(&traces).await,
        Some(Command::Show(show)) => show::run(&show).await,
        Some(Command::Diff(diff)) => show::diff(&diff).await,
        Some(Command::Export(export)) => export::run(&export).await,
        Some(Command::Import(import)) => import::run(&import).await,
    }
}
