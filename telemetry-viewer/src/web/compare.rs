//! Two traces side by side.

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{Page, Tab, nothing};
use super::plain::find;
use super::safe::{address, name};
use super::services::colour;
use super::site::Web;
use super::work::work;
use crate::analysis::compare::{Pair, Side, compare, slower};
use crate::model::Trace;
use crate::text::{count, duration};

/// Places that are shown, and those that are named above them.
const MAX_PAIRS: usize = 500;
const MAX_NAMED: usize = 5;

pub(super) fn router() -> Router<Web> {
    Router::new().route("/compare", get(page))
}

#[derive(Deserialize)]
struct Asked {
    a: String,
    b: String,
}

async fn page(State(web): State<Web>, asked: Result<Query<Asked>, QueryRejection>) -> Response {
    let asked = match asked {
        Ok(Query(asked)) => asked,
        Err(rejection) => return rejection.into_response(),
    };
    work(web, move |web| {
        match (find(&web.store, &asked.a), find(&web.store, &asked.b)) {
            (Ok(a), Ok(b)) => show("Comparison", StatusCode::OK, &comparison(&a, &b)),
            (Err(message), _) | (_, Err(message)) => show(
                "Comparison",
                StatusCode::NOT_FOUND,
                &nothing(message.trim_end()),
            ),
        }
    })
    .await
}

fn show(title: &str, status: StatusCode, content: &Markup) -> Response {
    let page = Page {
        title,
        tab: Tab::Traces,
        query: "",
        waits: false,
    };
    (status, page.render(content)).into_response()
}

fn comparison(a: &Trace, b: &Trace) -> Markup {
    let pairs = compare(a, b);
    let (first, second) = (a.response_nanos(), b.response_nanos());
    let title = b.root().map_or("", |root| &root.name);
    let swapped = address(
        "/compare",
        &[
            ("a", &b.trace_id.to_string()),
            ("b", &a.trace_id.to_string()),
        ],
    );
    html! {
        h1 { "Two traces of " (name(title)) }
        p.meta {
            span { "A " a href={ "/traces/" (a.trace_id) } { code { (a.trace_id) } } " " b { (duration(first)) } }
            span { "B " a href={ "/traces/" (b.trace_id) } { code { (b.trace_id) } } " " b { (duration(second)) } }
            span { a href=(swapped) { "swap" } }
        }
        (why(&pairs, first, second))
        (table(&pairs))
        @if pairs.len() > MAX_PAIRS {
            p.dim { "and " (count(pairs.len() - MAX_PAIRS)) " more places" }
        }
    }
}

/// The answer to "why slow", in sentences.
fn why(pairs: &[Pair], first: u64, second: u64) -> Markup {
    let slower = slower(pairs);
    let new: Vec<&Pair> = pairs.iter().filter(|pair| pair.is_new()).collect();
    let gone: Vec<&Pair> = pairs.iter().filter(|pair| pair.is_gone()).collect();
    let named = |pairs: &[&Pair]| {
        html! {
            @for (index, pair) in pairs.iter().take(MAX_NAMED).enumerate() {
                @if index > 0 { ", " } b { (name(&pair.name)) }
                @if pair.is_new() && pair.b.count > 1 { " ×" (count(pair.b.count)) }
            }
            @if pairs.len() > MAX_NAMED { " and " (count(pairs.len() - MAX_NAMED)) " more" }
        }
    };
    html! {
        ul.findings {
            @if second > first {
                li { "B took " b { (duration(second - first)) } " longer." }
            } @else {
                li { "B took " b { (duration(first - second)) } " less." }
            }
            @for pair in slower.iter().take(MAX_NAMED) {
                @let more = u64::try_from(pair.own_change()).unwrap_or(0);
                @if more > 0 {
                    li {
                        b { (name(&pair.name)) } " itself took " b { (duration(more)) } " more: "
                        (duration(pair.a.own_nanos)) " in A, " (duration(pair.b.own_nanos)) " in B"
                        @if pair.a.count != pair.b.count {
                            ", " (count(pair.a.count)) " and " (count(pair.b.count)) " times"
                        } "."
                    }
                }
            }
            @if !new.is_empty() { li { "Only in B: " (named(&new)) "." } }
            @if !gone.is_empty() { li { "Only in A: " (named(&gone)) "." } }
        }
    }
}

fn table(pairs: &[Pair]) -> Markup {
    let longest = pairs
        .iter()
        .map(|pair| pair.a.total_nanos.max(pair.b.total_nanos))
        .max()
        .unwrap_or(0);
    html! {
        div.scroll tabindex="0" role="region" aria-label="Comparison" {
            table.comparison {
                thead {
                    tr {
                        th { "Span" }
                        th.number { "A" }
                        th.number { "B" }
                        th.number { "Difference" }
                        th.where-column { "A above B" }
                    }
                }
                tbody {
                    @for pair in pairs.iter().take(MAX_PAIRS) { (row(pair, longest)) }
                }
            }
        }
    }
}

fn row(pair: &Pair, longest: u64) -> Markup {
    let change = i128::from(pair.b.total_nanos) - i128::from(pair.a.total_nanos);
    let length = duration(u64::try_from(change.unsigned_abs()).unwrap_or(u64::MAX));
    let width = |side: Side| {
        format!(
            "{:.2}%",
            100.0 * side.total_nanos as f64 / longest.max(1) as f64
        )
    };
    let times = |side: Side| match side.count {
        0 | 1 => String::new(),
        many => format!(" ×{}", count(many)),
    };
    html! {
        tr.new[pair.is_new()].gone[pair.is_gone()] {
            td class={ "d" (pair.depth.min(24)) } {
                span class={ "name " (colour(&pair.service)) } {
                    @if pair.b.errors > 0 { span.cross role="img" aria-label="failed" { "✕" } " " }
                    (name(&pair.name))
                    @if pair.is_new() { " " em { "new" } }
                    @if pair.is_gone() { " " em { "gone" } }
                }
            }
            td.number { @if !pair.is_new() { (duration(pair.a.total_nanos)) (times(pair.a)) } }
            td.number { @if !pair.is_gone() { (duration(pair.b.total_nanos)) (times(pair.b)) } }
            td.number.longer[change > 0] {
                @if change > 0 { "+" (length) } @else if change < 0 { "−" (length) }
            }
            td.where-column {
                svg.pair aria-hidden="true" {
                    rect.side-a x="0" y="1" width=(width(pair.a)) height="6" {}
                    rect.side-b x="0" y="9" width=(width(pair.b)) height="6" {}
                }
            }
        }
    }
}
