//! The page of one trace.

mod head;
mod missing;
mod panel;
mod row;
mod rows;
mod scale;
mod view;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::html;

use self::view::{Asked, View};
use super::layout::{Page, Tab};
use super::plain;
use super::site::Web;
use super::work::work;
use crate::model::{Summary, TraceId};
use crate::store::{Held, LogFilter};
use crate::text::duration;

/// Log records of one trace that are shown, the newest.
const MAX_LOGS: usize = 2000;

pub(super) fn router() -> Router<Web> {
    Router::new().route("/traces/{id}", get(trace))
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
