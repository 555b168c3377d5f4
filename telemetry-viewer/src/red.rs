//! Rate, errors and duration: of every route, call, statement, message and step.

mod buckets;
mod classify;
mod from_metrics;
mod from_spans;
mod operation;
mod runs;
mod table;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::store::{Held, Series, Store};

pub(crate) use classify::Family;
pub(crate) use operation::{Operation, operations};
pub use table::{Percentiles, RedRow, render_red};

impl Store {
    /// Rate, errors and duration of every route: counts from the `http.server.request.duration` histograms,
    /// percentiles from spans where all are there; by service, route and method.
    pub fn red(&self) -> Vec<RedRow> {
        server_rows(&self.series(), &self.all_held())
    }
}

fn server_rows(series: &[Series], traces: &[Arc<Held>]) -> Vec<RedRow> {
    let mut rows: Vec<RedRow> = operations(series, traces, now())
        .into_iter()
        .filter(|it| it.key.family == Family::HttpServer && it.from_metrics)
        .map(Operation::into_row)
        .collect();
    rows.sort_by(|a, b| (&a.service, &a.route, &a.method).cmp(&(&b.service, &b.route, &b.method)));
    rows
}

/// The moment, in nanoseconds since the Unix epoch.
pub(crate) fn now() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |it| u64::try_from(it.as_nanos()).unwrap_or(u64::MAX))
}
