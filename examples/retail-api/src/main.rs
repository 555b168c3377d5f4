//! retail-api, the service behind retail-web.

use std::{error::Error, io::Write, process::ExitCode};

use clap::Parser;
use retail_api::{Args, database, listen, router};
use telemetry_axum::serve;
use telemetry_core::{Service, bootstrap};

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "retail-api: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), Box<dyn Error>> {
    // Dropped last, and flushed then: also when the service ends with an error.
    let _telemetry = bootstrap(
        Service::new("retail-api")
            .namespace("retail")
            .version(env!("CARGO_PKG_VERSION")),
    )?;
    let pool = database::open(&args.database).await?;
    let listener = listen(args.listen).await?;
    tracing::info!(address = %listener.local_addr()?, database = %args.database.display(), "retail-api is listening");
    serve(listener, router(pool)).await?;
    Ok(())
}
