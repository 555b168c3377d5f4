//! `cargo run -p retail-demo`: the whole example in one command.

mod args;
mod binaries;
mod cases;
mod checkouts;
mod demo;
mod failure;
mod paint;
mod polling;
mod process;
mod progress;
mod red;
mod report;
mod screen;
mod signals;
mod stage;
mod terminal;
mod verify;
mod viewer;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;
use crate::signals::StopSignal;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    // Before anything is started, so that no signal can end the demo and leave a process behind.
    let ended = match StopSignal::new() {
        Ok(mut stop) => demo::run(&args, &mut stop).await,
        Err(error) => Err(error.into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // With stderr gone there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "retail-demo: {failure}");
            ExitCode::FAILURE
        }
    }
}
