//! retail-web, the service customers talk to.

use std::{error::Error, io::Write, process::ExitCode};

use clap::Parser;
use retail_web::{Args, RetailApi, listen, router};
use telemetry_axum::serve;
use telemetry_core::{Service, bootstrap};

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "retail-web: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), Box<dyn Error>> {
    // Dropped last, and flushed then: also when the service ends with an error.
    let _telemetry = bootstrap(
        Service::new("retail-web")
            .namespace("retail")
            .version(env!("CARGO_PKG_VERSION")),
    )?;
    let api = RetailApi::new(&args.api)?;
    let listener = listen(args.listen).await?;
    tracing::info!(address = %listener.local_addr()?, "retail-web is listening");
    serve(listener, router(api)).await?;
    Ok(())
}
