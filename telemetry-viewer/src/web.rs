//! Shows what the store holds: JSON for programs, plain text for terminals, a page for people.

mod api;
mod html;
mod page;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use crate::model::{Trace, TraceId};
use crate::red::render_red;
use crate::store::{LogFilter, Store, TraceFilter};
use crate::text::{escape, render_logs_within, shortened};
use crate::tree::TreeStyle;

/// How many traces or logs a listing shows unless asked otherwise.
const DEFAULT_LIMIT: usize = 100;

/// Everything a reader can ask for.
pub(crate) fn router() -> Router<Store> {
    Router::new()
        .route("/", get(index))
        .route("/traces/{id}", get(trace))
        .route("/traces/{id}/time.txt", get(time))
        .route("/red.txt", get(red))
        .route("/logs.txt", get(logs))
        .route("/livez", get(async || "ok\n"))
        .merge(api::router())
        .layer(axum::middleware::map_response(
            async |response: Response| {
                // The page shows what strangers sent: nothing in it may run, load or be cached.
                let headers = [
                    (
                        "content-security-policy",
                        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; \
                     base-uri 'none'; frame-ancestors 'none'",
                    ),
                    ("x-content-type-options", "nosniff"),
                    (CACHE_CONTROL.as_str(), "no-store"),
                ];
                (headers, response)
            },
        ))
        .fallback(async || {
            let message = "no such page; see / for the web page and /api/traces for the API\n";
            (StatusCode::NOT_FOUND, message)
        })
}

#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    q: String,
}

async fn index(State(store): State<Store>, Query(search): Query<Search>) -> Response {
    let query = search.q.trim();
    let filter = TraceFilter {
        correlation_id: (!query.is_empty()).then(|| query.to_owned()),
        limit: Some(DEFAULT_LIMIT),
        ..TraceFilter::default()
    };
    let traces = store.traces(&filter);
    if let ([only], false) = (traces.as_slice(), query.is_empty()) {
        return Redirect::to(&format!("/traces/{}", only.trace_id)).into_response();
    }
    let logs = match query {
        "" => Vec::new(),
        query => store.logs(&LogFilter {
            limit: Some(DEFAULT_LIMIT),
            ..LogFilter::correlation_id(query)
        }),
    };
    Html(page::index(
        query,
        &traces,
        &logs,
        &store.red(),
        store.evicted(),
    ))
    .into_response()
}

/// How the tree of a trace is to look as plain text.
#[derive(Deserialize)]
struct TreeQuery {
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

/// `/traces/{id}` is the page of a trace, `/traces/{id}.txt` its tree.
async fn trace(
    State(store): State<Store>,
    Path(id): Path<String>,
    query: Result<Query<TreeQuery>, QueryRejection>,
) -> Response {
    let (id, text) = match id.strip_suffix(".txt") {
        Some(id) => (id, true),
        None => (id.as_str(), false),
    };
    let trace = match find(&store, id) {
        Ok(trace) => trace,
        Err(message) if text => return (StatusCode::NOT_FOUND, message).into_response(),
        Err(message) => {
            return (StatusCode::NOT_FOUND, Html(page::missing(&message))).into_response();
        }
    };
    if text {
        return match query {
            Ok(Query(query)) => plain(trace.render(&query.into_style())),
            Err(rejection) => rejection.into_response(),
        };
    }
    let logs = store.logs(&LogFilter {
        limit: Some(10 * DEFAULT_LIMIT),
        ..LogFilter::trace(trace.trace_id)
    });
    Html(page::trace(&trace, &logs)).into_response()
}

/// Where the time of a trace went.
async fn time(State(store): State<Store>, Path(id): Path<String>) -> Response {
    match find(&store, &id) {
        Ok(trace) => plain(trace.time_spent().render()),
        Err(message) => (StatusCode::NOT_FOUND, message).into_response(),
    }
}

async fn red(State(store): State<Store>) -> Response {
    plain(render_red(&store.red()))
}

#[derive(Deserialize)]
struct LogQuery {
    correlation_id: Option<String>,
    service: Option<String>,
    width: Option<usize>,
}

async fn logs(
    State(store): State<Store>,
    query: Result<Query<LogQuery>, QueryRejection>,
) -> Response {
    let query = match query {
        Ok(Query(query)) => query,
        Err(rejection) => return rejection.into_response(),
    };
    let records = store.logs(&LogFilter {
        correlation_id: query.correlation_id,
        service: query.service,
        limit: Some(10 * DEFAULT_LIMIT),
        ..LogFilter::default()
    });
    plain(render_logs_within(query.width, &records))
}

/// The trace of that id, or a line that says why there is none.
fn find(store: &Store, id: &str) -> Result<Trace, String> {
    let shown = escape(&shortened(id, 64));
    let trace_id: TraceId = id
        .parse()
        .map_err(|error| format!("no trace {shown}: {error}; to look up a correlation id, ask /api/traces?correlation_id=\n"))?;
    store.trace(trace_id).ok_or_else(|| {
        format!("no trace {shown}: not received yet, not sampled, or evicted to make room for newer ones\n")
    })
}

fn plain(text: String) -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
