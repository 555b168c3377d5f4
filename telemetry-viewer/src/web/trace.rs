//! The page of one trace.

mod head;
mod missing;
mod panel;
mod row;
mod rows;
mod scale;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::html;
use serde::Deserialize;

use super::layout::{Page, Tab};
use super::work::work;
use super::{Web, plain};
use crate::analysis::timeline::Timeline;
use crate::model::{LogRecord, SpanId, Summary, TraceId};
use crate::store::{Held, LogFilter};
use crate::text::duration;

/// Log records of one trace that are shown, the newest.
const MAX_LOGS: usize = 2000;

pub(super) fn router() -> Router<Web> {
    Router::new().route("/traces/{id}", get(trace))
}

/// What the address of a trace says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    /// The span to open.
    span: String,
    /// Whether equal siblings stay apart.
    unfold: bool,
    /// The first row to show.
    from: usize,
    /// What the axis shows: the whole trace or the time until the answer.
    axis: Option<Axis>,
}

/// What the axis of time shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Axis {
    Whole,
    Answer,
}

/// `/traces/{id}` is the page of a trace, `/traces/{id}.txt` its tree.
async fn trace(
    State(web): State<Web>,
    Path(id): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
    tree: Result<Query<plain::TreeQuery>, QueryRejection>,
) -> Response {
    work(web, move |web| {
        if let Some(id) = id.strip_suffix(".txt") {
            return plain::tree(&web.store, id, tree);
        }
        let asked = match asked {
            Ok(Query(asked)) => asked,
            Err(rejection) => return rejection.into_response(),
        };
        let id: TraceId = match id.parse() {
            Ok(id) => id,
            Err(error) => return missing::no_id(&id, &error),
        };
        match web.store.held(id) {
            Some(held) => page(web, &held, &asked),
            None => missing::not_yet(id),
        }
    })
    .await
}

fn page(web: &Web, held: &Held, asked: &Asked) -> Response {
    let logs = web.store.logs(&LogFilter {
        limit: Some(MAX_LOGS),
        ..LogFilter::trace(held.trace_id())
    });
    let view = View::new(held, &logs, asked);
    let title = title(held.summary());
    let content = html! {
        article #fresh.trace {
            (head::head(web, &view))
            (rows::waterfall(&view))
            (panel::loose_logs(&view))
        }
    };
    let page = Page {
        title: &title,
        tab: Tab::Traces,
        query: "",
        waits: false,
    };
    (StatusCode::OK, page.render(&content)).into_response()
}

fn title(summary: &Summary) -> String {
    let name = summary.root.as_ref().map_or("", |root| &root.name);
    let failed = if summary.root_failed() { " failed" } else { "" };
    let service = summary.root.as_ref().map_or("", |root| &root.service);
    format!(
        "{name}{failed} · {} · {service}",
        duration(summary.duration_nanos())
    )
}

/// A trace with what its page needs of it.
struct View<'a> {
    held: &'a Held,
    timeline: Timeline<'a>,
    scale: scale::Scale,
    axis: Axis,
    /// The services with their colours, in the order in which they took part.
    services: Vec<(&'a str, String)>,
    logs: HashMap<Option<SpanId>, Vec<&'a LogRecord>>,
    log_count: usize,
    opened: Option<SpanId>,
    asked: &'a Asked,
}

impl<'a> View<'a> {
    fn new(held: &'a Held, records: &'a [LogRecord], asked: &'a Asked) -> Self {
        let timeline = Timeline::of(held.trace());
        let known: std::collections::HashSet<SpanId> =
            held.spans().iter().map(|span| span.span_id).collect();
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
            services: super::services::colours(&services),
            timeline,
            held,
            logs,
            log_count: records.len(),
            opened: asked.span.parse().ok(),
            asked,
        }
    }

    fn colour(&self, service: &str) -> &str {
        let found = self.services.iter().find(|(name, _)| *name == service);
        found.map_or("s0", |(_, class)| class)
    }

    fn logs(&self, span: SpanId) -> &[&'a LogRecord] {
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

fn service(span: &Arc<crate::model::Span>) -> &str {
    &span.service
}
