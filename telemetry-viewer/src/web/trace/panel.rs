use maud::{Markup, html};

use super::view::View;
use crate::analysis::outline::Row;
use crate::model::{Attributes, LogRecord, Span, SpanEvent, SpanStatus};
use crate::text::{count, duration, plural};
use crate::web::logs::level_class;
use crate::web::safe::{Block, Safe, name, value};
use crate::web::services::chip;

/// Spans of a folded row that are listed.
const MAX_LISTED: usize = 10;

/// Everything about one span.
pub(super) fn panel(view: &View<'_>, index: usize) -> Markup {
    let span = view.timeline.forest.span(index);
    let interval = view.timeline.intervals[index];
    let own: u64 = view.timeline.own(index).iter().map(|it| it.nanos()).sum();
    let trace = view.held.trace_id();
    html! {
        div.panel {
            p.meta {
                (chip(&span.service, view.colour(&span.service)))
                span { (span.kind.as_str()) }
                span { "starts " b { (view.scale.after_start(interval.0)) } }
                span { "takes " b { (duration(span.duration_nanos())) } }
                span { "itself " b { (duration(own)) } }
                span { "span " a href={ "/traces/" (trace) "?span=" (span.span_id) "#s" (span.span_id) } {
                    code { (span.span_id) }
                } }
            }
            @if let SpanStatus::Error { message } = &span.status {
                p.problem {
                    b { "Error" }
                    @if let Some(kind) = span.attribute("error.type") { " " code { (name(kind)) } }
                    @if !message.is_empty() { " " (value(message)) }
                }
            }
            (logs(view, span, view.timeline.moved[index]))
            @for event in &span.events { (self::event(view, event, view.timeline.moved[index])) }
            @if !span.links.is_empty() {
                h3 { "Links" }
                ul.links {
                    @for link in &span.links {
                        li {
                            a href={ "/traces/" (link.trace_id) "?span=" (link.span_id) "#s" (link.span_id) } {
                                "trace " code { (link.trace_id) } " span " code { (link.span_id) }
                            }
                            (attributes(&link.attributes))
                        }
                    }
                }
            }
            @if !span.attributes.is_empty() {
                h3 { "Attributes" }
                (attributes(&span.attributes))
            }
            details.more {
                summary { "Resource and scope" }
                table.attributes {
                    tr { th scope="row" { "scope" } td { (name(&span.scope)) } }
                    @if !span.trace_state.is_empty() {
                        tr { th scope="row" { "tracestate" } td { (value(&span.trace_state)) } }
                    }
                }
                (attributes(&span.resource))
            }
        }
    }
}

/// Several equal spans: what they took, and the first of them.
pub(super) fn group_panel(view: &View<'_>, row: &Row) -> Markup {
    let forest = &view.timeline.forest;
    let total = row.total_nanos(&view.timeline);
    let whole = view.held.summary().duration_nanos().max(1);
    let percent = 100.0 * total as f64 / whole as f64;
    let trace = view.held.trace_id();
    let durations = row
        .folded
        .iter()
        .map(|it| forest.span(*it).duration_nanos());
    let longest = durations.clone().max().unwrap_or(0);
    let mean = total / row.count().max(1) as u64;
    html! {
        div.panel {
            p {
                b { (plural(row.count(), "span")) } " with the same name and statement: "
                b { (duration(total)) } " in all, " b { (format!("{percent:.0}%")) } " of the answer; "
                (duration(mean)) " on average, " (duration(longest)) " at most."
            }
            @if row.is_n_plus_one(forest) {
                p {
                    "This is an N+1 query if one list is read and then each of its items. Read them together: "
                    code { "WHERE id IN (…)" } " or a join."
                }
            }
            ul.links {
                @for one in row.folded.iter().take(MAX_LISTED) {
                    @let id = forest.span(*one).span_id;
                    li {
                        a href={ "/traces/" (trace) "?span=" (id) "#s" (id) } { code { (id) } } " "
                        (view.scale.after_start(view.timeline.intervals[*one].0)) " "
                        (duration(forest.span(*one).duration_nanos()))
                    }
                }
            }
            @if row.count() > MAX_LISTED {
                p { a href={ "/traces/" (trace) "?unfold=true" } { "Show all " (count(row.count())) } }
            }
            h3 { "Attributes of the first" }
            (attributes(&forest.span(row.first).attributes))
        }
    }
}

fn logs(view: &View<'_>, span: &Span, moved: i128) -> Markup {
    let records = view.logs(span.span_id);
    html! {
        @if !records.is_empty() {
            h3 { "Logs" }
            table.lines { @for record in records { (line(view, record, moved)) } }
        }
    }
}

/// Log records of the trace that belong to none of its spans.
pub(super) fn loose_logs(view: &View<'_>) -> Markup {
    let records = view.logs.get(&None).map_or(&[][..], Vec::as_slice);
    html! {
        @if !records.is_empty() {
            section {
                h2 { "Logs without a span" }
                table.lines { @for record in records { (line(view, record, 0)) } }
            }
        }
    }
}

fn line(view: &View<'_>, record: &LogRecord, moved: i128) -> Markup {
    let at = i128::from(record.time_unix_nanos) + moved;
    html! {
        tr {
            td class={ "level " (level_class(record.severity_number)) } { (Safe(&record.severity, 12)) }
            td.time { (view.scale.after_start(at)) }
            td {
                @if !record.event_name.is_empty() { code { (name(&record.event_name)) } " " }
                @if let Some(body) = &record.body { (value(body)) }
                @for (key, it) in &record.attributes {
                    " " span.pair { (name(key)) "=" b { (Safe(it, 400)) } }
                }
            }
        }
    }
}

fn event(view: &View<'_>, event: &SpanEvent, moved: i128) -> Markup {
    let at = i128::from(event.time_unix_nanos) + moved;
    let (long, short): (Vec<_>, Vec<_>) = event.attributes.iter().partition(|(key, it)| {
        key.ends_with("stacktrace") || it.as_str().is_some_and(|it| it.contains('\n'))
    });
    let short: Attributes = short.into_iter().cloned().collect();
    html! {
        h3.bad[event.name == "exception"] {
            "Event " code { (name(&event.name)) } " " span.dim { (view.scale.after_start(at)) }
        }
        (attributes(&short))
        @for (key, text) in long {
            figure.stack {
                figcaption { (name(key)) }
                pre tabindex="0" { (Block(text)) }
            }
        }
    }
}

pub(in crate::web) fn attributes(attributes: &Attributes) -> Markup {
    html! {
        @if !attributes.is_empty() {
            table.attributes {
                @for (key, it) in attributes {
                    tr { th scope="row" { (name(key)) } td { (value(it)) } }
                }
            }
        }
    }
}
