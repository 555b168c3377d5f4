use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{DEFAULT_LIMIT, find};
use crate::model::{Span, SpanId, Trace, TraceId};
use crate::store::{LogFilter, Store, TraceFilter};

pub(super) fn router() -> Router<Store> {
    Router::new()
        .route("/api/traces", get(traces))
        .route("/api/traces/{id}", get(trace))
        .route("/api/logs", get(logs))
        .route(
            "/api/metrics",
            get(async |State(store): State<Store>| Json(store.metrics())),
        )
        .route(
            "/api/red",
            get(async |State(store): State<Store>| Json(store.red())),
        )
        .route(
            "/api/evicted",
            get(async |State(store): State<Store>| Json(store.evicted())),
        )
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
    duration_nanos: u64,
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
    State(store): State<Store>,
    query: Result<Query<TraceQuery>, QueryRejection>,
) -> Response {
    let query = match query {
        Ok(Query(query)) => query,
        Err(rejection) => return error(StatusCode::BAD_REQUEST, &rejection.body_text()),
    };
    let traces = store.traces(&TraceFilter {
        service: query.service,
        correlation_id: query.correlation_id,
        root_name: query.name,
        only_errors: query.errors,
        limit: Some(query.limit.unwrap_or(DEFAULT_LIMIT)),
    });
    let summaries: Vec<_> = traces.iter().map(Summary::of).collect();
    Json(summaries).into_response()
}

async fn trace(State(store): State<Store>, Path(id): Path<String>) -> Response {
    match find(&store, &id) {
        Ok(trace) => Json(trace).into_response(),
        Err(message) => error(StatusCode::NOT_FOUND, message.trim_end()),
    }
}

async fn logs(
    State(store): State<Store>,
    query: Result<Query<LogQuery>, QueryRejection>,
) -> Response {
    let query = match query {
        Ok(Query(query)) => query,
        Err(rejection) => return error(StatusCode::BAD_REQUEST, &rejection.body_text()),
    };
    let trace_id = match query.trace_id.map(|id| id.parse()).transpose() {
        Ok(id) => id,
        Err(reason) => return error(StatusCode::BAD_REQUEST, &format!("trace_id: {reason}")),
    };
    let records = store.logs(&LogFilter {
        trace_id,
        correlation_id: query.correlation_id,
        service: query.service,
        limit: Some(query.limit.unwrap_or(10 * DEFAULT_LIMIT)),
    });
    Json(records).into_response()
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
            duration_nanos: trace.duration_nanos(),
            spans: trace.spans.len(),
            error: trace.has_error(),
        }
    }
}
