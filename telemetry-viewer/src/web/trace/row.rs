use maud::{Markup, html};

use super::panel::{group_panel, panel};
use super::view::View;
use crate::analysis::forest::Root;
use crate::analysis::outline::{Row, statement};
use crate::analysis::timeline::Interval;
use crate::model::{LogRecord, Span, SpanKind, reason};
use crate::text::{count, duration};
use crate::web::safe::{Safe, address, name};

/// Ticks of one row.
const MAX_TICKS: usize = 40;
/// Spans of a folded row, and parts of the critical path, that are marked one by one.
const MAX_MARKED: usize = 100;

/// A row that opens to its details.
pub(super) fn row(view: &View<'_>, row: &Row, waited: &[Interval], opened: bool) -> Markup {
    let span = view.timeline.forest.span(row.first);
    html! {
        details.row.failed[span.is_error()] id={ "s" (span.span_id) } open[opened] {
            summary { (cells(view, row, span, waited)) }
            @if row.folded.is_empty() { (panel(view, row.first)) } @else { (group_panel(view, row)) }
        }
    }
}

/// A row whose details are on the page that its link leads to.
pub(super) fn open_row(view: &View<'_>, row: &Row, waited: &[Interval]) -> Markup {
    let span = view.timeline.forest.span(row.first);
    let id = span.span_id.to_string();
    let unfold = if view.asked.unfold { "true" } else { "" };
    let path = format!("/traces/{}", view.held.trace_id());
    let link = address(&path, &[("span", &id), ("unfold", unfold)]);
    html! {
        a.row.failed[span.is_error()] id={ "s" (id) } href={ (link) "#s" (id) } {
            (cells(view, row, span, waited))
        }
    }
}

fn cells(view: &View<'_>, row: &Row, span: &Span, waited: &[Interval]) -> Markup {
    html! {
        span class={ "name " (view.colour(&span.service)) } {
            @if span.is_error() { span.cross aria-label="failed" role="img" { "✕" } " " }
            b {
                @if row.count() > 1 { (count(row.count())) "× " }
                @if span.name.is_empty() { "(no name)" } @else { (name(&span.name)) }
            }
            @if row.is_n_plus_one(&view.timeline.forest) { " " em { "N+1?" } }
            @match row.root {
                Some(Root::Orphan) => { " " em { "parent not received" } }
                Some(Root::Cycle) => { " " em { "parent leads into a cycle" } }
                _ => {}
            }
            " " small { (hint(span)) }
        }
        span.duration { (duration(row.total_nanos(&view.timeline))) }
        (bar(view, row, span, waited))
    }
}

/// The attributes that tell one span of this name from another.
fn hint(span: &Span) -> Markup {
    let text = |key: &str| span.attribute(key).map(ToString::to_string);
    let status = text("http.response.status_code");
    let why = span.is_error().then(|| reason(span));
    let why = why.filter(|why| Some(why) != status.as_ref());
    let what = statement(span)
        .map(str::to_owned)
        .or_else(|| match span.kind {
            SpanKind::Client => text("url.full").or_else(|| text("server.address")),
            SpanKind::Producer | SpanKind::Consumer => text("messaging.destination.name"),
            _ => None,
        });
    html! {
        @if let Some(status) = status { (Safe(status, 8)) " " }
        @if let Some(why) = why { span.error { (Safe(why, 200)) } " " }
        @if let Some(what) = what { (Safe(what, 200)) }
    }
}

fn bar(view: &View<'_>, row: &Row, span: &Span, waited: &[Interval]) -> Markup {
    let interval = row.interval(&view.timeline);
    let (x, width) = view.scale.bar(interval);
    let moved = view.timeline.moved[row.first];
    let logs = if row.folded.is_empty() {
        view.logs(span.span_id)
    } else {
        &[]
    };
    let is_bad = |record: &LogRecord| record.severity_number >= 17;
    let events = span.events.iter().take(MAX_TICKS);
    html! {
        svg.bar aria-hidden="true" {
            @if view.scale.is_beyond(interval) {
                text.beyond x="100%" y="14" { "starts " (view.scale.after_start(interval.0)) " →" }
            } @else if row.folded.len() > 1 {
                rect class={ "group " (view.colour(&span.service)) } x=(x) y="4" width=(width) height="10" rx="2" {}
                @for one in row.folded.iter().step_by(row.count() / MAX_MARKED + 1) {
                    @let (x, width) = view.scale.bar(view.timeline.intervals[*one]);
                    rect class={ "one " (view.colour(&span.service)) } x=(x) y="4" width=(width) height="10" {}
                }
            } @else {
                rect class={ "span " (view.colour(&span.service)) } x=(x) y="4" width=(width) height="10" rx="2" {}
            }
            @for part in waited.iter().filter(|part| view.scale.is_visible(**part)).take(MAX_MARKED) {
                @let (x, width) = view.scale.bar(*part);
                rect.critical x=(x) y="16" width=(width) height="2" {}
            }
            @for event in events {
                @let at = i128::from(event.time_unix_nanos) + moved;
                rect.tick.bad[event.name == "exception"] x=(view.scale.place(at)) y="2" width="2" height="14" {}
            }
            @for record in logs.iter().take(MAX_TICKS) {
                @let at = i128::from(record.time_unix_nanos) + moved;
                rect.tick.bad[is_bad(record)] x=(view.scale.place(at)) y="2" width="2" height="14" {}
            }
        }
    }
}
