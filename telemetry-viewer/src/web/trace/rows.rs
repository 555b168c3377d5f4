use maud::{Markup, PreEscaped, Render, html};

use super::row::{open_row, row};
use super::view::{Axis, View};
use crate::analysis::critical_path::critical_path;
use crate::analysis::outline::{Row, outline};
use crate::text::{count, plural};
use crate::web::safe::address;

/// Rows of one page: with more the browser, not the server, takes long.
const MAX_ROWS: usize = 500;
/// Each row carries its details if there are no more rows; else a row is opened by its link.
const MAX_DETAILED: usize = 300;
/// No element stands deeper than this: browsers give up at some depth.
const MAX_NESTING: usize = 40;

pub(super) fn waterfall(view: &View<'_>) -> Markup {
    let rows = outline(&view.timeline.forest, view.opened, !view.asked.unfold);
    let from = start(view, &rows);
    let shown = &rows[from..(from + MAX_ROWS).min(rows.len())];
    let spans = shown.iter().map(Row::count).sum::<usize>();
    html! {
        (axis(view))
        section.waterfall aria-label="Waterfall" {
            div.axis {
                span { "Span" }
                span.duration { "Duration" }
                svg aria-hidden="true" {
                    @for (x, label) in view.scale.marks() {
                        text x=(x) y="14" { (label) }
                    }
                }
            }
            (nested(view, shown))
        }
        (more(view, from, shown.len(), rows.len()))
        p.dim.hint {
            @if spans > shown.len() {
                (plural(spans, "span")) " in " (plural(shown.len(), "row")) ": equal siblings are one row. "
                a href=(link(view, "true", 0)) { "Show each" } ". "
            } @else if view.asked.unfold {
                a href=(link(view, "", 0)) { "Fold equal siblings" } ". "
            }
            "The line below a bar is the critical path: what the caller waited for. Marks are logs and events."
        }
    }
}

/// A choice between the whole trace and the time until the answer, where they differ.
fn axis(view: &View<'_>) -> Markup {
    let path = format!("/traces/{}", view.held.trace_id());
    let choice = |axis: Axis, name: &str, label: &str| {
        html! {
            @if view.axis == axis { b { (label) } } @else { a href=(address(&path, &[("axis", name)])) { (label) } }
        }
    };
    html! {
        @if view.held.summary().goes_on() {
            p.choice {
                span.dim { "Axis" } " "
                (choice(Axis::Answer, "answer", "until the answer")) " "
                (choice(Axis::Whole, "whole", "whole trace"))
            }
        }
    }
}

/// The first row to show: the one asked for, or the page of the span that is to be opened.
fn start(view: &View<'_>, rows: &[Row]) -> usize {
    let opened = view.opened.and_then(|id| {
        let is_it = |row: &Row| view.timeline.forest.span(row.first).span_id == id;
        rows.iter().position(is_it)
    });
    match opened {
        Some(at) if view.asked.from == 0 => at / MAX_ROWS * MAX_ROWS,
        _ => view.asked.from.min(rows.len()),
    }
}

fn nested(view: &View<'_>, rows: &[Row]) -> Markup {
    let path = critical_path(&view.timeline);
    let detailed = rows.len() <= MAX_DETAILED;
    let mut out = String::new();
    let mut open: Vec<usize> = Vec::new();
    for (index, one) in rows.iter().enumerate() {
        while open.last().is_some_and(|depth| *depth >= one.depth) {
            open.pop();
            out.push_str("</div></div>");
        }
        let waited = if one.folded.is_empty() {
            &path[one.first][..]
        } else {
            &[]
        };
        out.push_str("<div class=\"node d");
        out.push_str(&one.depth.min(24).to_string());
        out.push_str("\">");
        let foldable = one.below > 0 && one.folded.is_empty();
        if foldable {
            fold(view, one, &mut out);
        }
        let opened = view.opened == Some(view.timeline.forest.span(one.first).span_id);
        if detailed || opened {
            row(view, one, waited, opened).render_to(&mut out);
        } else {
            open_row(view, one, waited).render_to(&mut out);
        }
        let follows = rows
            .get(index + 1)
            .is_some_and(|next| next.depth > one.depth);
        if follows && open.len() < MAX_NESTING {
            out.push_str("<div class=\"below\">");
            open.push(one.depth);
        } else {
            out.push_str("</div>");
        }
    }
    out.extend(open.iter().map(|_| "</div></div>"));
    PreEscaped(out)
}

/// A box that hides the rows below, without a script.
fn fold(view: &View<'_>, row: &Row, out: &mut String) {
    let span = view.timeline.forest.span(row.first);
    let label = format!("Hide {} below", plural(row.below, "row"));
    html! {
        input.fold type="checkbox" id={ "f" (span.span_id) } aria-label=(label);
    }
    .render_to(out);
}

fn more(view: &View<'_>, from: usize, shown: usize, all: usize) -> Markup {
    let unfold = if view.asked.unfold { "true" } else { "" };
    html! {
        @if shown < all {
            nav.pages aria-label="Pages of the trace" {
                @if from > 0 {
                    a rel="prev" href=(link(view, unfold, from.saturating_sub(MAX_ROWS))) { "← Previous rows" }
                }
                span { "rows " (count(from + 1)) "–" (count(from + shown)) " of " (count(all)) }
                @if from + shown < all {
                    a rel="next" href=(link(view, unfold, from + shown)) { "Next rows →" }
                }
            }
        }
    }
}

fn link(view: &View<'_>, unfold: &str, from: usize) -> String {
    let from = if from == 0 {
        String::new()
    } else {
        from.to_string()
    };
    let path = format!("/traces/{}", view.held.trace_id());
    address(&path, &[("unfold", unfold), ("from", &from)])
}
