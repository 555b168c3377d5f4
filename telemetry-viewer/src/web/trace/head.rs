use maud::{Markup, html};

use super::view::View;
use crate::analysis::findings::findings;
use crate::analysis::self_time::{Activity, TimeSpent};
use crate::model::{Summary, Value};
use crate::text::{duration, plural, time};
use crate::web::Web;
use crate::web::safe::{Safe, address, name, value};
use crate::web::services::chip;
use crate::web::traces::activity_class;

/// Traces of the same route that are offered for comparison.
const MAX_OTHERS: usize = 30;

pub(super) fn head(web: &Web, view: &View<'_>) -> Markup {
    let summary = view.held.summary();
    let root = summary.root.as_deref();
    let correlation_id = view.held.trace().correlation_id();
    let id = view.held.trace_id().to_string();
    html! {
        h1 {
            @match root {
                Some(root) if !root.name.is_empty() => (name(&root.name)),
                _ => "(no name)",
            }
            @if summary.root_failed() { " " span.pill.bad { "error" } }
            @else if summary.errors > 0 { " " span.pill.warn { "error below" } }
        }
        p.meta {
            span { "answered in " b { (duration(summary.duration_nanos())) } }
            @if summary.goes_on() {
                span { "finished after " b { (duration(summary.finished_after_nanos)) } }
            }
            span { (plural(summary.spans, "span")) }
            span { (plural(summary.services.len(), "service")) }
            span { a href=(address("/logs", &[("id", &id)])) { (plural(view.log_count, "log")) } }
            span { (time(summary.start_unix_nanos)) }
        }
        p.meta.ids {
            span { "trace " code { (id) } }
            @if correlation_id != id {
                span {
                    "correlation id "
                    a href=(address("/", &[("q", &format!("id:\"{correlation_id}\""))])) {
                        code { (name(&correlation_id)) }
                    }
                }
            }
        }
        @if summary.errors > 0 {
            p.reason.problem[summary.root_failed()] {
                @if let Some(cause) = &summary.cause {
                    a href={ "#s" (cause.span_id) } { (Safe(summary.reason(), 500)) }
                }
                @if let Some(body) = logged(view, summary) { " · " (Safe(body, 300)) }
            }
        }
        (time_spent(&view.held.trace().time_spent()))
        (found(view))
        div.tools {
            (actions(&id))
            (comparison(web, view, summary, &id))
        }
        p.legend {
            @for (service, class) in &view.services { (chip(service, class)) }
        }
    }
}

/// The error that the span where it began has logged.
fn logged<'a>(view: &'a View<'_>, summary: &Summary) -> Option<&'a Value> {
    let cause = summary.cause.as_ref()?;
    let errors = view.logs(cause.span_id).iter();
    let mut errors = errors.filter(|record| record.severity_number >= 17);
    errors.find_map(|record| record.body.as_ref())
}

fn time_spent(spent: &TimeSpent) -> Markup {
    let mut parts: Vec<(&Activity, &u64)> = spent.by_activity.iter().collect();
    parts.sort_by_key(|(activity, nanos)| (std::cmp::Reverse(**nanos), **activity));
    let total = spent.total_nanos.max(1) as f64;
    let mut at = 0.0;
    let bars: Vec<(&str, String, String)> = parts
        .iter()
        .map(|(activity, nanos)| {
            let (x, width) = (at, 100.0 * **nanos as f64 / total);
            at += width;
            (
                activity_class(**activity),
                format!("{x:.2}%"),
                format!("{width:.2}%"),
            )
        })
        .collect();
    let percent = |nanos: u64| match 100.0 * nanos as f64 / total {
        less if less < 1.0 => "<1%".to_owned(),
        percent => format!("{percent:.0}%"),
    };
    html! {
        section.spent aria-label="Where the time went" {
            svg aria-hidden="true" {
                @for (class, x, width) in bars {
                    rect class=(class) x=(x) y="0" width=(width) height="100%" {}
                }
            }
            p {
                @for (activity, nanos) in &parts {
                    span class={ "key " (activity_class(**activity)) } {
                        (activity.as_str()) " " b { (percent(**nanos)) } " " (duration(**nanos))
                    }
                }
                @if spent.outside_nanos > 0 {
                    span.dim { (duration(spent.outside_nanos)) " of work after the answer" }
                }
            }
        }
    }
}

fn found(view: &View<'_>) -> Markup {
    let found = findings(&view.timeline);
    html! {
        @if !found.is_empty() {
            ul.findings aria-label="Findings" {
                @for finding in &found {
                    li {
                        b { (finding.kind.title()) } " "
                        a href={ "#s" (finding.span) } { (value(&finding.text)) }
                    }
                }
            }
        }
    }
}

fn actions(id: &str) -> Markup {
    let link = |format: &str| format!("/traces/{id}/copy/{format}");
    html! {
        p.actions {
            span.dim { "Copy as" }
            a data-copy="" href=(link("curl")) { "curl" }
            a data-copy="" href=(link("test")) { "test" }
            a data-copy="" href=(link("markdown")) { "Markdown" }
            a data-copy="" href=(link("json")) { "JSON" }
            span.dim { "Open as" }
            a href={ "/traces/" (id) "/waterfall.txt?width=120" } { "text" }
            a href={ "/traces/" (id) ".txt" } { "tree" }
            a href={ "/api/traces/" (id) } { "JSON" }
        }
    }
}

/// A choice of traces of the same route, the newest, with those that stand out first.
fn comparison(web: &Web, view: &View<'_>, summary: &Summary, id: &str) -> Markup {
    let Some(root) = &summary.root else {
        return html! {};
    };
    let mut others = web.store.all_held();
    others.retain(|held| {
        held.trace_id() != view.held.trace_id()
            && held
                .summary()
                .root
                .as_ref()
                .is_some_and(|other| other.name == root.name && other.service == root.service)
    });
    let all = others.len();
    others.sort_by_key(|held| held.summary().duration_nanos());
    let fastest = others.first().cloned();
    let median = others.get(all / 2).cloned();
    let slowest = others.last().cloned();
    others.sort_by_key(|held| std::cmp::Reverse(held.summary().start_unix_nanos));
    others.truncate(MAX_OTHERS);
    let special = [
        ("fastest", fastest),
        ("median", median),
        ("slowest", slowest),
    ];
    html! {
        @if all > 0 {
            form.compare action="/compare" {
                input type="hidden" name="b" value=(id);
                label for="other" { "Compare with" }
                select #other name="a" {
                    @for (label, held) in &special {
                        @if let Some(held) = held {
                            option value=(held.trace_id()) {
                                (label) " of " (all) ": " (duration(held.summary().duration_nanos()))
                            }
                        }
                    }
                    @for held in &others {
                        option value=(held.trace_id()) {
                            (&time(held.summary().start_unix_nanos)[11..23]) " "
                            (duration(held.summary().duration_nanos()))
                            @if held.summary().errors > 0 { " failed" }
                        }
                    }
                }
                button { "Compare" }
            }
        }
    }
}
