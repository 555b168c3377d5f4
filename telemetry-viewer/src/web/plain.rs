use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use super::site::{DEFAULT_LIMIT, Web};
use super::work::work;
use crate::model::{Trace, TraceId};
use crate::red::render_red;
use crate::store::{LogFilter, Store};
use crate::text::{escape, render_logs_within, shortened};
use crate::tree::TreeStyle;
use crate::waterfall::WaterfallStyle;

/// Addresses for terminals and scripts.
pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/traces/{id}/time.txt", get(time))
        .route("/traces/{id}/waterfall.txt", get(waterfall))
        .route("/red.txt", get(red))
        .route("/logs.txt", get(logs))
        .route("/livez", get(async || "ok\n"))
}

/// How the tree of a trace is to look as plain text.
#[derive(Deserialize)]
pub(super) struct TreeQuery {
    /// Keys, separated by commas.
    attributes: Option<String>,
    width: Option<usize>,
    #[serde(default)]
    colours: bool,
    #[serde(default)]
    self_times: bool,
}

impl TreeQuery {
    fn into_style(self) -> TreeStyle {
        let style = TreeStyle {
            width: self.width,
            colours: self.colours,
            self_times: self.self_times,
            ..TreeStyle::default()
        };
        match self.attributes {
            Some(keys) => style.with_attributes(keys.split(',')),
            None => style,
        }
    }
}

/// `/traces/{id}.txt`: the tree of a trace.
pub(super) fn tree(
    store: &Store,
    id: &str,
    query: Result<Query<TreeQuery>, QueryRejection>,
) -> Response {
    match (find(store, id), query) {
        (Err(message), _) => (StatusCode::NOT_FOUND, message).into_response(),
        (Ok(trace), Ok(Query(query))) => text(trace.render(&query.into_style())),
        (Ok(_), Err(rejection)) => rejection.into_response(),
    }
}

/// Where the time of a trace went.
async fn time(State(web): State<Web>, Path(id): Path<String>) -> Response {
    work(web, move |web| match find(&web.store, &id) {
        Ok(trace) => text(trace.time_spent().render()),
        Err(message) => (StatusCode::NOT_FOUND, message).into_response(),
    })
    .await
}

#[derive(Deserialize)]
struct WaterfallQuery {
    width: Option<usize>,
    #[serde(default)]
    colours: bool,
}

async fn waterfall(
    State(web): State<Web>,
    Path(id): Path<String>,
    query: Result<Query<WaterfallQuery>, QueryRejection>,
) -> Response {
    work(web, move |web| match (find(&web.store, &id), query) {
        (Err(message), _) => (StatusCode::NOT_FOUND, message).into_response(),
        (Ok(_), Err(rejection)) => rejection.into_response(),
        (Ok(trace), Ok(Query(query))) => {
            let style = WaterfallStyle::default().with_colours(query.colours);
            let width = query.width.unwrap_or(style.width).min(500);
            text(trace.waterfall(&style.with_width(width)))
        }
    })
    .await
}

async fn red(State(web): State<Web>) -> Response {
    work(web, |web| text(render_red(&web.store.red()))).await
}

#[derive(Deserialize)]
struct LogQuery {
    correlation_id: Option<String>,
    service: Option<String>,
    width: Option<usize>,
}

async fn logs(State(web): State<Web>, query: Result<Query<LogQuery>, QueryRejection>) -> Response {
    let query = match query {
        Ok(Query(query)) => query,
        Err(rejection) => return rejection.into_response(),
    };
    work(web, move |web| {
        let records = web.store.logs(&LogFilter {
            correlation_id: query.correlation_id,
            service: query.service,
            limit: Some(10 * DEFAULT_LIMIT),
            ..LogFilter::default()
        });
        text(render_logs_within(query.width, &records))
    })
    .await
}

/// The trace of that id, or a line that says why there is none.
pub(super) fn find(store: &Store, id: &str) -> Result<Trace, String> {
    let shown = escape(&shortened(id, 64));
    let trace_id: TraceId = id
        .parse()
        .map_err(|error| format!("no trace {shown}: {error}; to look up a correlation id, ask /api/traces?correlation_id=\n"))?;
    store.trace(trace_id).ok_or_else(|| {
        format!("no trace {shown}: not received yet, not sampled, or evicted to make room for newer ones\n")
    })
}

pub(super) fn text(text: String) -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
