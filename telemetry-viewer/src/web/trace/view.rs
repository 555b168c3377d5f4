//! A trace, and the parts that its page needs.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;

use super::scale;
use crate::analysis::timeline::Timeline;
use crate::model::{LogRecord, Span, SpanId, Summary};
use crate::store::Held;
use crate::web::services;

/// The query part of the address of a trace.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    /// The span to open.
    pub(super) span: String,
    /// True if equal siblings stay apart.
    pub(super) unfold: bool,
    /// The first row to show.
    pub(super) from: usize,
    /// The whole trace or the time until the answer.
    pub(super) axis: Option<Axis>,
}

/// The time that the axis shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Axis {
    Whole,
    Answer,
}

/// The parts of one page.
pub(super) struct View<'a> {
    pub(super) held: &'a Held,
    pub(super) timeline: Timeline<'a>,
    pub(super) scale: scale::Scale,
    pub(super) axis: Axis,
    /// The services with their colours, in the order in which they took part.
    pub(super) services: Vec<(&'a str, String)>,
    pub(super) logs: HashMap<Option<SpanId>, Vec<&'a LogRecord>>,
    pub(super) log_count: usize,
    pub(super) opened: Option<SpanId>,
    pub(super) asked: &'a Asked,
}

impl<'a> View<'a> {
    pub(super) fn new(held: &'a Held, records: &'a [LogRecord], asked: &'a Asked) -> Self {
        let timeline = Timeline::of(held.trace());
        let known: HashSet<SpanId> = held.spans().iter().map(|span| span.span_id).collect();
        let mut logs: HashMap<Option<SpanId>, Vec<&LogRecord>> = HashMap::new();
        for record in records {
            // A record whose span has not arrived stands with those of the whole trace.
            let span = record.span_id.filter(|id| known.contains(id));
            logs.entry(span).or_default().push(record);
        }
        let services: Vec<&str> = held.summary().services.iter().map(service).collect();
        let axis = axis(asked, held.summary());
        let whole = timeline.whole();
        let window = match (axis, timeline.forest.root()) {
            (Axis::Answer, Some(root)) => timeline.intervals[root],
            _ => whole,
        };
        Self {
            scale: scale::Scale::new(whole.0, window),
            axis,
            services: services::colours(&services),
            timeline,
            held,
            logs,
            log_count: records.len(),
            opened: asked.span.parse().ok(),
            asked,
        }
    }

    pub(super) fn colour(&self, service: &str) -> &str {
        let found = self.services.iter().find(|(name, _)| *name == service);
        found.map_or("s0", |(_, class)| class)
    }

    pub(super) fn logs(&self, span: SpanId) -> &[&'a LogRecord] {
        self.logs.get(&Some(span)).map_or(&[], Vec::as_slice)
    }
}

fn axis(asked: &Asked, summary: &Summary) -> Axis {
    asked.axis.unwrap_or(if summary.goes_on_long() {
        Axis::Answer
    } else {
        Axis::Whole
    })
}

fn service(span: &Arc<Span>) -> &str {
    &span.service
}
