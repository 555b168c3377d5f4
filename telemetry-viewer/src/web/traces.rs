//! The list of traces.

mod asked;
mod bar;
mod empty;
mod facets;
mod order;
mod table;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as UrlQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::{Markup, html};

use self::asked::Asked;
use super::layout::{Page, Tab};
use super::safe::value;
use super::site::{DEFAULT_LIMIT, Web};
use super::work::work;
use crate::model::TraceId;
use crate::query::Query;
use crate::store::{Evicted, Held};
use crate::text::{count, plural};

pub(super) use bar::activity_class;
pub(super) use table::clock;

pub(super) fn router() -> Router<Web> {
    Router::new().route("/", get(index))
}

async fn index(State(web): State<Web>, asked: Result<UrlQuery<Asked>, QueryRejection>) -> Response {
    match asked {
        Ok(UrlQuery(asked)) => work(web, move |web| list(web, &asked)).await,
        Err(rejection) => rejection.into_response(),
    }
}

fn list(web: &Web, asked: &Asked) -> Response {
    let query: Query = match asked.q.parse() {
        Ok(query) => query,
        Err(error) => return page(asked, &html! { p.problem role="alert" { (value(error)) } }),
    };
    let counts = web.store.counts();
    if query.is_empty() && counts.traces == 0 {
        return page(asked, &empty::nothing_yet(web, counts));
    }
    let mut traces = query.run(&web.store);
    if let Some(found) = asked_by_id(&asked.q, &traces) {
        return Redirect::to(&found).into_response();
    }
    asked.sort.apply(asked.dir, &mut traces);
    let from = asked.from.min(traces.len());
    let shown = &traces[from..(from + DEFAULT_LIMIT).min(traces.len())];
    let content = html! {
        div #fresh {
            (facets::facets(asked, &traces))
            @if shown.is_empty() {
                (empty::nothing_found(asked))
            } @else {
                (table::table(asked, shown))
                (pages(asked, from, shown.len(), traces.len()))
            }
            (let_go(web.store.evicted()))
        }
        form.clear method="post" action="/clear" { button { "Clear all" } }
    };
    page(asked, &content)
}

fn page(asked: &Asked, content: &Markup) -> Response {
    let title = match asked.q.trim() {
        "" => "Traces".to_owned(),
        query => format!("{query} · Traces"),
    };
    let page = Page {
        title: &title,
        tab: Tab::Traces,
        query: &asked.q,
        waits: false,
    };
    page.render(&html! { h1.visually-hidden { "Traces" } (content) })
        .into_response()
}

/// Where to go if the query is nothing but an id: to the trace, even if it is not there yet.
fn asked_by_id(query: &str, found: &[Arc<Held>]) -> Option<String> {
    let query = query.trim();
    if let Ok(id) = query.parse::<TraceId>() {
        return Some(format!("/traces/{id}"));
    }
    let is_word = !query.is_empty() && !query.contains([' ', '=', '<', '>', '"']);
    let id = query.strip_prefix("id:").unwrap_or(query);
    match found {
        [only] if is_word && only.trace().has_correlation_id(id) => {
            Some(format!("/traces/{}", only.trace_id()))
        }
        _ => None,
    }
}

fn pages(asked: &Asked, from: usize, shown: usize, all: usize) -> Markup {
    let before = from.saturating_sub(DEFAULT_LIMIT);
    let after = from + shown;
    html! {
        nav.pages aria-label="Pages of the list" {
            @if from > 0 {
                a rel="prev" href=(asked.address(|it| it.from = before)) { "← Previous" }
            }
            span { (count(from + 1)) "–" (count(after)) " of " (count(all)) }
            @if after < all {
                a rel="next" href=(asked.address(|it| it.from = after)) { "Next →" }
            }
        }
    }
}

fn let_go(evicted: Evicted) -> Markup {
    html! {
        @if evicted != Evicted::default() {
            p.dim {
                "Let go to stay within limits: "
                (plural(usize::try_from(evicted.traces).unwrap_or(usize::MAX), "trace")) ", "
                (plural(usize::try_from(evicted.logs).unwrap_or(usize::MAX), "log record")) ", "
                (count(usize::try_from(evicted.series).unwrap_or(usize::MAX))) " metric series; "
                (count(usize::try_from(evicted.refused).unwrap_or(usize::MAX))) " refused."
            }
        }
    }
}
