//! OTLP in JSON, one request a line, as the file exporter of the OpenTelemetry Collector writes it.

mod common;
mod import;
mod logs;
mod metrics;
mod traces;

#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::sync::Arc;

use serde_json::Value as Json;

use crate::model::LogRecord;
use crate::query::Query;
use crate::store::{Held, Store};

pub use import::{ImportError, Imported};

/// Items of one line: far below what a receiver takes at once.
const ITEMS: usize = 500;

impl Store {
    /// Writes traces, logs and metrics as lines of OTLP in JSON, which [`import_line`](Self::import_line), this
    /// program and the `otlp_json_file` receiver of the Collector read. With a query: the traces that fulfil it and
    /// their logs.
    ///
    /// Of the resource of a metric its service and instance are known, and of a series its newest point.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub fn export(&self, query: &Query, out: &mut impl Write) -> io::Result<()> {
        let mut traces = query.run(self);
        traces.reverse();
        write_traces(&traces, out)?;
        let mut records = self.records(0).0;
        if !query.is_empty() {
            let ids: std::collections::HashSet<_> =
                traces.iter().map(|held| held.trace_id()).collect();
            records.retain(|record| record.trace_id.is_some_and(|id| ids.contains(&id)));
        }
        write_logs(&records, out)?;
        if query.is_empty() {
            for points in self.metrics().chunks(ITEMS) {
                line(&metrics::request(points), out)?;
            }
        }
        Ok(())
    }
}

/// Spans as one line.
#[cfg(test)]
pub(crate) fn of_spans(spans: &[crate::model::Span]) -> String {
    traces::request(&spans.iter().collect::<Vec<_>>()).to_string()
}

pub(crate) fn write_traces(traces: &[Arc<Held>], out: &mut impl Write) -> io::Result<()> {
    let mut waiting = Vec::new();
    for held in traces {
        waiting.extend(held.trace().spans.iter().map(AsRef::as_ref));
        if waiting.len() >= ITEMS {
            for spans in waiting.chunks(ITEMS) {
                line(&traces::request(spans), out)?;
            }
            waiting.clear();
        }
    }
    if !waiting.is_empty() {
        line(&traces::request(&waiting), out)?;
    }
    Ok(())
}

pub(crate) fn write_logs(records: &[Arc<LogRecord>], out: &mut impl Write) -> io::Result<()> {
    for records in records.chunks(ITEMS) {
        line(&logs::request(records), out)?;
    }
    Ok(())
}

fn line(request: &Json, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, request)?;
    out.write_all(b"\n")
}
