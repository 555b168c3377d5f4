use std::sync::Arc;

use maud::{Markup, html};

use super::asked::Asked;
use super::bar::bar;
use super::order::{Direction, Order};
use crate::model::{Span, Summary};
use crate::store::Held;
use crate::text::{count, duration, time};
use crate::web::safe::{Safe, name};
use crate::web::services::{chip, colour};

/// More services than this in one row are counted.
const MAX_SERVICES: usize = 4;

pub(super) fn table(asked: &Asked, traces: &[Arc<Held>]) -> Markup {
    let durations = traces.iter().map(|held| held.summary().duration_nanos());
    let longest = durations.max().unwrap_or(0);
    html! {
        table.traces {
            thead {
                tr {
                    (heading(asked, Order::Start, "Start (UTC)", ""))
                    (heading(asked, Order::Name, "Request", ""))
                    (heading(asked, Order::Service, "Services", ""))
                    (heading(asked, Order::Duration, "Duration", "number"))
                    th.where-column { "Where the time went" }
                    (heading(asked, Order::Spans, "Spans", "number"))
                    (heading(asked, Order::Status, "Result", ""))
                }
            }
            tbody {
                @for held in traces { (row(held, longest)) }
            }
        }
    }
}

fn heading(asked: &Asked, order: Order, label: &str, class: &str) -> Markup {
    let current = asked.sort == order;
    let sorted = match (current, asked.dir) {
        (false, _) => None,
        (true, Direction::Down) => Some("descending"),
        (true, Direction::Up) => Some("ascending"),
    };
    let address = asked.address(|it| {
        it.from = 0;
        it.dir = if current {
            it.dir.turned()
        } else {
            Direction::Down
        };
        it.sort = order;
    });
    html! {
        th class=(class) aria-sort=[sorted] {
            a href=(address) { (label) }
        }
    }
}

fn row(held: &Held, longest: u64) -> Markup {
    let summary = held.summary();
    let root = summary.root.as_deref();
    let total = summary.duration_nanos();
    html! {
        tr.failed[summary.root_failed()] {
            td.start { (clock(summary.start_unix_nanos)) }
            td.request {
                a href={ "/traces/" (held.trace_id()) } {
                    @match root {
                        Some(root) if !root.name.is_empty() => (name(&root.name)),
                        _ => "(no name)",
                    }
                }
                @if let Some(detail) = root.and_then(detail) { " " small { (Safe(detail, 80)) } }
            }
            td.services {
                @for span in summary.services.iter().take(MAX_SERVICES) {
                    (chip(&span.service, &colour(&span.service)))
                }
                @if summary.services.len() > MAX_SERVICES {
                    small { "+" (count(summary.services.len() - MAX_SERVICES)) }
                }
            }
            td.number.duration {
                (duration(total))
                @if summary.goes_on() {
                    small title="when the last span of the trace ended" {
                        "finished after " (duration(summary.finished_after_nanos))
                    }
                }
            }
            td.where-column { (bar(held.shares(), total, longest)) }
            td.number.spans { (count(summary.spans)) }
            td.result { (result(summary)) }
        }
    }
}

/// The path that was asked for, where the name has only its pattern.
fn detail(root: &Span) -> Option<&str> {
    let path = root.attribute("url.path")?.as_str()?;
    (!root.name.ends_with(path)).then_some(path)
}

fn result(summary: &Summary) -> Markup {
    let root = summary.root.as_deref();
    let status = root.and_then(|root| root.attribute("http.response.status_code"));
    let reason = summary.reason();
    html! {
        @if let Some(status) = status {
            span.status.bad[summary.root_failed()] { (Safe(status, 8)) } " "
        }
        @if summary.errors == 0 {
            @if status.is_none() { span.dim { "ok" } }
        } @else if summary.root_failed() {
            span.error { (Safe(reason, 120)) }
        } @else {
            span.warning title="a span below the request failed, the request did not" {
                "⚠ " (Safe(reason, 120))
            }
        }
    }
}

/// The time of day, with the date on demand.
pub(in crate::web) fn clock(unix_nanos: u64) -> Markup {
    let whole = time(unix_nanos);
    html! { time datetime=(whole) title=(whole) { (whole[11..23]) } }
}
