//! The demo from beginning to end.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::args::Args;
use crate::binaries::Binaries;
use crate::checkouts;
use crate::failure::{Failure, Result};
use crate::progress::progress;
use crate::report::Report;
use crate::screen;
use crate::signals::StopSignal;
use crate::stage::Stage;
use crate::terminal::Terminal;
use crate::verify::{self, Evidence};
use crate::viewer::Viewer;

/// How often processes that are left running are looked after.
const WATCH: Duration = Duration::from_millis(500);

/// Runs the demo until it is over or told to stop; either way nothing is left running.
pub(crate) async fn run(args: &Args, stop: &mut StopSignal) -> Result<()> {
    let terminal = Terminal::stdout();
    let is_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    let stays = args.stays(terminal.is_terminal, is_ci);
    let (mut stage, text) = tokio::select! {
        // A stage that is dropped halfway takes its processes with it.
        () = stop.recv() => return Err(Failure::new("interrupted")),
        shown = show(args.full, stays, terminal) => shown?,
    };
    if !stays {
        // First, because the report says that it is done.
        let stopped = stage.stop().await;
        return write(&text).and(stopped);
    }
    write(&text)?;
    if args.full {
        progress("everything is left running; Ctrl-C stops it");
    }
    tokio::select! {
        () = stop.recv() => stage.stop().await,
        ended = watch(&mut stage) => ended,
    }
}

/// Starts everything, makes the requests, waits for their telemetry and reports.
async fn show(full: bool, stays: bool, terminal: Terminal) -> Result<(Stage, String)> {
    let binaries = Binaries::get().await?;
    let started = Instant::now();
    // The user's proxy leads nowhere from here.
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(10))
        .build()
        .map_err(|error| Failure::new(error.to_string()))?;
    let mut stage = Stage::start(&binaries, &client).await?;
    let viewer = Viewer::new(client.clone(), stage.addresses.viewer.clone());
    progress(&format!(
        "all four are ready after {:.1?}",
        started.elapsed()
    ));

    let opened = Instant::now();
    progress("a dozen checkouts and a wrong address:");
    let visits = checkouts::perform(&client, &stage.addresses.web).await;
    let visits = explained(visits, &mut stage)?;
    progress(&format!(
        "{} requests took {:.1?}",
        visits.len(),
        opened.elapsed()
    ));

    let evidence = verify::arrived(&viewer, &visits, &mut stage).await;
    let evidence: Evidence = explained(evidence, &mut stage)?;
    let business = verify::scraped(&client, &stage.addresses).await?;
    let spans: usize = evidence.traces.iter().map(|trace| trace.spans.len()).sum();
    progress(&format!(
        "all {spans} spans, metrics and logs have arrived after {:.1?}\n",
        started.elapsed()
    ));
    let report = Report {
        viewer: &viewer,
        stage: &stage,
        visits: &visits,
        evidence: &evidence,
        business: &business,
        stays,
        terminal,
    };
    let text = if full {
        report.write().await?
    } else {
        screen::write(&report).await?
    };
    Ok((stage, text))
}

/// A process that has ended explains more than whoever misses its answer.
fn explained<T>(result: Result<T>, stage: &mut Stage) -> Result<T> {
    match result {
        Ok(done) => Ok(done),
        Err(failure) => Err(stage.check().err().unwrap_or(failure)),
    }
}

/// Resolves when one of the processes ends, which none of them should.
async fn watch(stage: &mut Stage) -> Result<()> {
    loop {
        tokio::time::sleep(WATCH).await;
        stage.check()?;
    }
}

fn write(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}
