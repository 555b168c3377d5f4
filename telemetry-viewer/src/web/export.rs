//! The content of the store, as lines of OTLP in JSON.

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as UrlQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use super::site::Web;
use super::work::work;
use crate::lines::{write_logs, write_traces};
use crate::query::Query;

pub(super) fn router() -> Router<Web> {
    Router::new().route("/api/export", get(export))
}

#[derive(Debug, Deserialize)]
#[serde(default)]
struct Asked {
    /// A query in the language of the search box.
    q: String,
    /// Only traces that got a span after this version of the store. Empty counts as absent.
    after: String,
    /// Only log records after so many.
    logs_after: String,
    metrics: bool,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            q: String::new(),
            after: String::new(),
            logs_after: String::new(),
            metrics: true,
        }
    }
}

async fn export(
    State(web): State<Web>,
    asked: Result<UrlQuery<Asked>, QueryRejection>,
) -> Response {
    let asked = match asked {
        Ok(UrlQuery(asked)) => asked,
        Err(rejection) => return rejection.into_response(),
    };
    let query: Query = match asked.q.parse() {
        Ok(query) => query,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    work(web, move |web| lines(web, &asked, &query)).await
}

fn lines(web: &Web, asked: &Asked, query: &Query) -> Response {
    // The version is read first: what arrives meanwhile comes again with the next request.
    let version = web.store.version();
    let mut out = Vec::new();
    let logs;
    let written = if asked.metrics {
        logs = web.store.records(u64::MAX).1;
        web.store.export(query, &mut out)
    } else {
        let after: u64 = asked.after.parse().unwrap_or(0);
        let mut traces = query.run(&web.store);
        traces.reverse();
        traces.retain(|held| held.changed() > after);
        let records = web.store.records(asked.logs_after.parse().unwrap_or(0));
        logs = records.1;
        write_traces(&traces, &mut out).and_then(|()| write_logs(&records.0, &mut out))
    };
    if let Err(error) = written {
        return (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response();
    }
    let headers = [
        (CONTENT_TYPE, "application/x-ndjson".to_owned()),
        (HeaderName::from_static("x-version"), version.to_string()),
        (HeaderName::from_static("x-logs"), logs.to_string()),
    ];
    (headers, out).into_response()
}
