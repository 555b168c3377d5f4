//! retail-worker, which confirms the orders that retail-api has taken.

use std::{
    error::Error, future::Future, io, io::Write as _, path::PathBuf, process::ExitCode,
    time::Duration,
};

use clap::Parser;
use retail_api::{Worker, database};
use telemetry_core::{Service, bootstrap};

/// The worker of the retail example: confirms orders. Telemetry is set up by OTEL_* variables.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// The SQLite database of retail-api; created and seeded if missing.
    #[arg(long, env = "RETAIL_DATABASE", default_value = "retail.db")]
    database: PathBuf,
    /// How often to look for work, in milliseconds.
    #[arg(long, env = "RETAIL_WORKER_POLL", default_value_t = 100)]
    poll: u64,
    /// For how long nobody else takes a job, in milliseconds. A worker that crashed is waited for that long.
    #[arg(long, env = "RETAIL_WORKER_LEASE", default_value_t = 10_000)]
    lease: u64,
    /// How long the example's mail server takes, in milliseconds.
    #[arg(long, env = "RETAIL_WORKER_DELIVERY", default_value_t = 5)]
    delivery: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "retail-worker: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), Box<dyn Error>> {
    // Dropped last, and flushed then: also when the worker ends with an error.
    let _telemetry = bootstrap(
        Service::new("retail-worker")
            .namespace("retail")
            .version(env!("CARGO_PKG_VERSION")),
    )?;
    let stop = stop_signal()?;
    let pool = database::open(&args.database).await?;
    let (lease, delivery) = (
        Duration::from_millis(args.lease),
        Duration::from_millis(args.delivery),
    );
    tracing::info!(database = %args.database.display(), "retail-worker is waiting for orders");
    Worker::new(pool, lease, delivery)
        .run(Duration::from_millis(args.poll), stop)
        .await;
    Ok(())
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
