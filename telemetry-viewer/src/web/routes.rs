//! Rate, errors and duration of everything that is counted.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::{Markup, html};

use super::layout::{Page, Tab};
use super::safe::name;
use super::services::{chip, colour};
use super::site::Web;
use super::sparkline::sparkline;
use super::work::work;
use crate::red::{Family, Operation, now, operations};
use crate::text::{count, duration};

/// Rows of one family; the most frequent.
const MAX_ROWS: usize = 200;

pub(super) fn router() -> Router<Web> {
    Router::new().route("/routes", get(page))
}

async fn page(State(web): State<Web>) -> Response {
    work(web, |web| {
        let operations = operations(&web.store.series(), &web.store.all_held(), now());
        let page = Page {
            title: "Routes",
            tab: Tab::Routes,
            query: "",
            waits: false,
        };
        page.render(&content(&operations)).into_response()
    })
    .await
}

fn content(operations: &[Operation]) -> Markup {
    html! {
        h1.visually-hidden { "Routes" }
        div #fresh {
            @if operations.is_empty() {
                p.nothing { "No request, call, statement, message or step has been received yet." }
            }
            @for family in Family::ALL { (table(family, operations)) }
            @if !operations.is_empty() {
                p.dim.hint {
                    "Percentiles " em.quiet { "spans" } " are true: the spans of all of them are here. Those from "
                    em.quiet { "buckets" } " are as exact as the buckets of the histogram are narrow. The rate since
                    the start leaves out the time between two runs."
                }
            }
        }
    }
}

fn table(family: Family, operations: &[Operation]) -> Markup {
    let mut rows: Vec<&Operation> = operations
        .iter()
        .filter(|it| it.key.family == family)
        .collect();
    rows.sort_by_key(|it| std::cmp::Reverse(it.count));
    html! {
        @if !rows.is_empty() {
            section {
                h2 { (family.title()) }
                div.scroll tabindex="0" role="region" aria-label=(family.title()) {
                    table.routes {
                        thead {
                            tr {
                                th { "Name" }
                                th { "Service" }
                                th.number { "Count" }
                                th.number { "Errors" }
                                th.number { "Last minute" }
                                th.number { "Since start" }
                                th.number { "P50" }
                                th.number { "P95" }
                                th.number { "P99" }
                                th { "From" }
                                th { "Over time" }
                                th { "Traces" }
                            }
                        }
                        tbody { @for one in rows.iter().take(MAX_ROWS) { (row(one)) } }
                    }
                }
                @if rows.len() > MAX_ROWS { p.dim { "and " (count(rows.len() - MAX_ROWS)) " more" } }
            }
        }
    }
}

fn row(one: &Operation) -> Markup {
    let whole = |number: u64| count(usize::try_from(number).unwrap_or(usize::MAX));
    let failed = 100.0 * one.errors as f64 / one.count.max(1) as f64;
    let slots: Vec<f64> = one.slots.iter().map(|slot| f64::from(*slot)).collect();
    html! {
        tr {
            th scope="row" {
                @if !one.key.action.is_empty() { span.dim { (name(&one.key.action)) } " " }
                @if one.key.target.is_empty() { span.dim { "(none)" } } @else { (name(&one.key.target)) }
            }
            td { (chip(&one.key.service, &colour(&one.key.service))) }
            td.number { (whole(one.count)) }
            td.number.bad[one.errors > 0] {
                @if one.errors > 0 { (whole(one.errors)) " " small { (format!("{failed:.1}%")) } } @else { "0" }
            }
            td.number { (format!("{:.2}/s", one.recent_rate)) }
            td.number { @match one.rate { Some(rate) => (format!("{rate:.2}/s")), None => "–" } }
            @for percentile in one.percentiles { td.number { (seconds(percentile)) } }
            td { em.quiet { (one.source.as_str()) } }
            td { @if slots.iter().any(|it| *it > 0.0) { (sparkline(&slots, "spans over time")) } }
            td.links {
                @if let Some(id) = one.slowest { a href={ "/traces/" (id) } { "slowest" } }
                @if let Some(id) = one.failed { " " a.bad href={ "/traces/" (id) } { "failed" } }
            }
        }
    }
}

fn seconds(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| duration((value * 1e9) as u64))
}
