//! The tail of all logs.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{Page, Tab};
use super::safe::{Safe, address, name, value};
use super::services::{chip, colour};
use super::site::Web;
use super::traces::clock;
use super::work::work;
use crate::model::{LogRecord, Value};
use crate::query::matches::contains;
use crate::text::{count, plural};

/// Records of one page.
const PAGE: usize = 200;
/// The levels by which the list can be narrowed, with the lowest number of each.
const LEVELS: [(&str, i32); 5] = [
    ("trace", 1),
    ("debug", 5),
    ("info", 9),
    ("warn", 13),
    ("error", 17),
];

pub(super) fn router() -> Router<Web> {
    Router::new().route("/logs", get(page))
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    /// Text of the record.
    q: String,
    service: String,
    /// The lowest level.
    level: String,
    /// A trace id or correlation id.
    id: String,
    from: usize,
}

impl Asked {
    fn accepts(&self, record: &LogRecord) -> bool {
        let level = LEVELS.iter().find(|(name, _)| *name == self.level);
        (self.service.is_empty() || record.service == self.service)
            && level.is_none_or(|(_, number)| record.severity_number >= *number)
            && (self.id.is_empty() || record.has_correlation_id(self.id.trim()))
            && mentions(record, self.q.trim())
    }

    fn address(&self, from: usize) -> String {
        let from = if from == 0 {
            String::new()
        } else {
            from.to_string()
        };
        let (q, id) = (self.q.trim(), self.id.trim());
        address(
            "/logs",
            &[
                ("q", q),
                ("service", &self.service),
                ("level", &self.level),
                ("id", id),
                ("from", &from),
            ],
        )
    }
}

async fn page(State(web): State<Web>, asked: Result<Query<Asked>, QueryRejection>) -> Response {
    match asked {
        Ok(Query(asked)) => work(web, move |web| list(web, &asked)).await,
        Err(rejection) => rejection.into_response(),
    }
}

fn list(web: &Web, asked: &Asked) -> Response {
    let mut records = web.store.records(0).0;
    let mut services: BTreeSet<String> = BTreeSet::new();
    for record in &records {
        if !services.contains(&record.service) {
            services.insert(record.service.clone());
        }
    }
    records.retain(|record| asked.accepts(record));
    records.sort_by_key(|record| std::cmp::Reverse(record.time_unix_nanos));
    let from = asked.from.min(records.len());
    let shown = &records[from..(from + PAGE).min(records.len())];
    let content = html! {
        h1.visually-hidden { "Logs" }
        (filter(asked, &services))
        div #fresh {
            @if shown.is_empty() {
                p.nothing { "No log record fulfils this." }
            } @else {
                p.meta { span { (plural(records.len(), "record")) ", the newest first" } }
                table.lines.logs { @for record in shown { (line(record)) } }
                (pages(asked, from, shown.len(), records.len()))
            }
        }
    };
    let page = Page {
        title: "Logs",
        tab: Tab::Logs,
        query: "",
        waits: false,
    };
    page.render(&content).into_response()
}

fn filter(asked: &Asked, services: &BTreeSet<String>) -> Markup {
    html! {
        form.filter action="/logs" {
            label { "Text " input type="search" name="q" value=(value(&asked.q)) spellcheck="false"; }
            label {
                "Service "
                select name="service" {
                    option value="" { "all" }
                    @for service in services {
                        option value=(name(service)) selected[*service == asked.service] { (name(service)) }
                    }
                }
            }
            label {
                "Level from "
                select name="level" {
                    option value="" { "all" }
                    @for (level, _) in LEVELS {
                        option selected[level == asked.level] { (level) }
                    }
                }
            }
            label { "Trace or correlation id " input name="id" value=(value(&asked.id)) spellcheck="false"; }
            button { "Filter" }
        }
    }
}

fn line(record: &Arc<LogRecord>) -> Markup {
    html! {
        tr {
            td.time { (clock(record.time_unix_nanos)) }
            td class={ "level " (level_class(record.severity_number)) } { (Safe(&record.severity, 12)) }
            td.from { (chip(&record.service, &colour(&record.service))) }
            td.message {
                @if !record.event_name.is_empty() { code { (name(&record.event_name)) } " " }
                @match (&record.body, record.trace_id, record.span_id) {
                    (body, Some(trace), Some(span)) => a href={ "/traces/" (trace) "?span=" (span) "#s" (span) } {
                        (message(body.as_ref()))
                    },
                    (body, Some(trace), None) => a href={ "/traces/" (trace) } { (message(body.as_ref())) },
                    (body, None, _) => (message(body.as_ref())),
                }
                @for (key, it) in record.attributes.iter().filter(|(key, it)| tells(record, key, it)) {
                    " " span.pair { (name(key)) "=" b { (Safe(it, 400)) } }
                }
            }
        }
    }
}

/// True if an attribute says more than the link of the line.
fn tells(record: &LogRecord, key: &str, it: &Value) -> bool {
    let id = record.trace_id.map(|id| id.to_string());
    key != "correlation_id" || it.as_str() != id.as_deref()
}

fn message(body: Option<&Value>) -> Markup {
    html! { @match body { Some(body) => (Safe(body, 2000)), None => "(no message)" } }
}

fn pages(asked: &Asked, from: usize, shown: usize, all: usize) -> Markup {
    html! {
        @if shown < all {
            nav.pages aria-label="Pages of the logs" {
                @if from > 0 {
                    a rel="prev" href=(asked.address(from.saturating_sub(PAGE))) { "← Newer" }
                }
                span { (count(from + 1)) "–" (count(from + shown)) " of " (count(all)) }
                @if from + shown < all {
                    a rel="next" href=(asked.address(from + shown)) { "Older →" }
                }
            }
        }
    }
}

/// The class that gives a level its colour.
pub(super) fn level_class(severity_number: i32) -> &'static str {
    match severity_number {
        17.. => "l-error",
        13..=16 => "l-warn",
        9..=12 => "l-info",
        _ => "l-low",
    }
}

fn mentions(record: &LogRecord, text: &str) -> bool {
    let value = |it: &Value| match it {
        Value::Str(it) => contains(it, text),
        other => contains(&other.to_string(), text),
    };
    text.is_empty()
        || record.body.as_ref().is_some_and(value)
        || contains(&record.event_name, text)
        || record.attributes.iter().any(|(_, it)| value(it))
        || record.has_correlation_id(text)
}
