//! The console exporter of metrics: as Prometheus text, where log lines go. For development.

use std::{sync::Arc, time::Duration};

use tokio::{select, time::MissedTickBehavior};

use crate::{
    logs::LogSink,
    otlp::{
        Losses, Worker,
        flush::{Command, Flush},
    },
};
use telemetry_api::instrument::scrape::{Scrape, ScrapeFormat};

/// Writes all metrics at every interval and at the end.
pub(crate) fn write_metrics(
    worker: &Worker,
    scrape: Arc<dyn Scrape>,
    sink: LogSink,
    interval: Duration,
) -> Flush {
    let (flush, mut commands, _) = Flush::new(Arc::new(Losses::new("metric points")), None);
    worker.spawn(async move {
        let mut ticks = tokio::time::interval(interval.max(Duration::from_millis(10)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is immediate, and there is nothing to write yet.
        ticks.tick().await;
        loop {
            let command = select! {
                command = commands.recv() => match command {
                    None => return,
                    command => command,
                },
                _ = ticks.tick() => None,
            };
            sink.write(&scrape.scrape(ScrapeFormat::Prometheus));
            match command {
                // The caller may have given up waiting.
                Some(Command::Flush(done)) => {
                    let _ = done.send(());
                }
                Some(Command::Shutdown(done)) => {
                    let _ = done.send(());
                    return;
                }
                _ => {}
            }
        }
    });
    flush
}
