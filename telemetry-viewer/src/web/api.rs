use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::plain::find;
use super::site::{DEFAULT_LIMIT, Web};
use super::work::work;
use crate::model::{Span, SpanId, Trace, TraceId};
use crate::store::{LogFilter, TraceFilter};

pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/api/traces", get(traces))
        .route("/api/traces/{id}", get(trace))
        .route("/api/logs", get(logs))
        .route("/api/metrics", get(metrics))
        .route("/api/red", get(red))
        .route(
            "/api/evicted",
            get(async |State(web): State<Web>| Json(web.store.evicted())),
        )
        .route(
            "/api/counts",
            get(async |State(web): State<Web>| Json(web.store.counts())),
        )
        .route("/api/version", get(version))
}

/// A number that changes whenever something has arrived.
async fn version(State(web): State<Web>) -> Response {
    Json(json!({ "version": web.store.version() })).into_response()
}

async fn metrics(State(web): State<Web>) -> Response {
    work(web, |web| Json(web.store.metrics())).await
}

async fn red(State(web): State<Web>) -> Response {
    work(web, |web| Json(web.store.red())).await
}

/// A trace in a listing.
#[derive(Serialize)]
struct Summary<'a> {
    trace_id: TraceId,
    correlation_id: String,
    name: &'a str,
    service: &'a str,
    services: Vec<&'a str>,
    root_span_id: Option<SpanId>,
    start_unix_nanos: u64,
    /// How long the caller waited: the duration of the root span.
    duration_nanos: u64,
    /// From the earliest start to the latest end, with what went on after the answer.
    total_nanos: u64,
    spans: usize,
    error: bool,
}

#[derive(Deserialize)]
struct TraceQuery {
    correlation_id: Option<String>,
    service: Option<String>,
    name: Option<String>,
    #[serde(default)]
    errors: bool,
    limit: Option<usize>,
}

#[derive(Deserialize)]
struct LogQuery {
    correlation_id: Option<String>,
    trace_id: Option<String>,
    service: Option<String>,
    limit: Option<usize>,
}

async fn traces(
    State(web): State<Web>,
    query: Result<Query<TraceQuery>, QueryRejection>,
) -> Response {
    let query = match query {
        Ok(Query(query)) => query,
        Err(rejection) => return error(StatusCode::BAD_REQUEST, &rejection.body_text()),
    };
    work(web, move |web| {
        let traces = web.store.traces(&TraceFilter {
            service: query.service,
            correlation_id: query.correlation_id,
            root_name: query.name,
            only_errors: query.errors,
            limit: Some(query.limit.unwrap_or(DEFAULT_LIMIT)),
        });
        let summaries: Vec<_> = traces.iter().map(Summary::of).collect();
        Json(summaries).into_response()
    })
    .await
}

async fn trace(State(web): State<Web>, Path(id): Path<String>) -> Response {
    work(web, move |web| match find(&web.store, &id) {
        Ok(trace) => Json(trace).into_response(),
        Err(message) => error(StatusCode::NOT_FOUND, message.trim_end()),
    })
    .await
}

async fn logs(State(web): State<Web>, query: Result<Query<LogQuery>, QueryRejection>) -> Response {
    let query = match query {
        Ok(Query(query)) => query,
        Err(rejection) => return error(StatusCode::BAD_REQUEST, &rejection.body_text()),
    };
    let trace_id = match query.trace_id.map(|id| id.parse()).transpose() {
        Ok(id) => id,
        Err(reason) => return error(StatusCode::BAD_REQUEST, &format!("trace_id: {reason}")),
    };
    work(web, move |web| {
        let records = web.store.logs(&LogFilter {
            trace_id,
            correlation_id: query.correlation_id,
            service: query.service,
            limit: Some(query.limit.unwrap_or(10 * DEFAULT_LIMIT)),
        });
        Json(records)
    })
    .await
}

fn error(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": message }))).into_response()
}

impl<'a> Summary<'a> {
    fn of(trace: &'a Trace) -> Self {
        let root: Option<&Span> = trace.root();
        Self {
            trace_id: trace.trace_id,
            correlation_id: trace.correlation_id(),
            name: root.map_or("", |span| &span.name),
            service: root.map_or("", |span| &span.service),
            services: trace.services(),
            root_span_id: root.map(|span| span.span_id),
            start_unix_nanos: trace.start_unix_nanos(),
            duration_nanos: trace.response_nanos(),
            total_nanos: trace.duration_nanos(),
            spans: trace.spans.len(),
            error: trace.has_error(),
        }
    }
}
