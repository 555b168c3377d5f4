//! A trace in the forms in which it is passed on.

use std::fmt::Write;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::plain::{find, text};
use super::site::Web;
use super::work::work;
use crate::analysis::findings::findings;
use crate::analysis::forest::Forest;
use crate::analysis::timeline::Timeline;
use crate::model::{Span, SpanStatus, Summary, Trace};
use crate::text::{duration, escape, shortened};
use crate::waterfall::WaterfallStyle;

pub(super) fn router() -> Router<Web> {
    Router::new().route("/traces/{id}/copy/{format}", get(copy))
}

async fn copy(State(web): State<Web>, Path((id, format)): Path<(String, String)>) -> Response {
    work(web, move |web| {
        let trace = match find(&web.store, &id) {
            Ok(trace) => trace,
            Err(message) => return (StatusCode::NOT_FOUND, message).into_response(),
        };
        match format.as_str() {
            "curl" => text(curl(&trace)),
            "test" => text(test(&trace)),
            "markdown" => text(markdown(&trace, &format!("http://{}", web.http))),
            "json" => text(serde_json::to_string_pretty(&trace).unwrap_or_default()),
            _ => {
                let message = "a trace is copied as curl, test, markdown or json\n";
                (StatusCode::NOT_FOUND, message).into_response()
            }
        }
    })
    .await
}

/// The request that began the trace, as a command.
pub(super) fn curl(trace: &Trace) -> String {
    let forest = Forest::of(trace);
    let is_request = |span: &&Span| span.attribute("http.request.method").is_some();
    let mut spans = forest.order.iter().map(|index| forest.span(*index));
    let Some(span) = spans.find(is_request) else {
        return "# this trace has no HTTP request\n".to_owned();
    };
    let attribute = |key: &str| span.attribute(key).map(ToString::to_string);
    let method = attribute("http.request.method").unwrap_or_default();
    let url = attribute("url.full").unwrap_or_else(|| {
        let scheme = attribute("url.scheme").unwrap_or_else(|| "http".to_owned());
        let host = attribute("server.address").unwrap_or_else(|| "localhost".to_owned());
        let port = attribute("server.port").map_or_else(String::new, |port| format!(":{port}"));
        let path = attribute("url.path").unwrap_or_else(|| "/".to_owned());
        let query = attribute("url.query").map_or_else(String::new, |query| format!("?{query}"));
        format!("{scheme}://{host}{port}{path}{query}")
    });
    let mut out = format!("curl -i -X {} {}", word(&method), word(&url));
    let id = trace.correlation_id();
    if id != trace.trace_id.to_string() {
        let _ = write!(
            out,
            " \\\n  -H {}",
            word(&format!("x-correlation-id: {id}"))
        );
    }
    out.push('\n');
    let sends_body = !matches!(method.as_str(), "GET" | "HEAD" | "DELETE" | "OPTIONS");
    if sends_body {
        out.push_str("# add the body with --json: spans do not record it\n");
    }
    if url.contains("REDACTED") {
        out.push_str("# values of credentials were redacted: put yours in their place\n");
    }
    out
}

/// A word for a shell, whatever it holds.
fn word(text: &str) -> String {
    let text: String = text.chars().filter(|it| !it.is_control()).collect();
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The tree as `assert_tree` of the test kit reads it.
pub(super) fn test(trace: &Trace) -> String {
    let forest = Forest::of(trace);
    let mut depths = vec![0; forest.spans.len()];
    let mut tree = String::new();
    for &index in &forest.order {
        let depth = forest.parents[index].map_or(0, |parent| depths[parent] + 1);
        depths[index] = depth;
        let span = forest.span(index);
        let indent = 4 + 2 * depth;
        let name = escape(&shortened(&span.name, 200));
        let _ = write!(tree, "{:indent$}{} {name}", "", span.kind.as_str());
        if let SpanStatus::Error { message } = &span.status {
            let message = escape(&shortened(message, 200));
            let _ = write!(tree, " ERROR {message}");
        }
        let end = tree.trim_end().len();
        tree.truncate(end);
        tree.push('\n');
    }
    // A raw string ends at a quotation mark followed by as many signs as it began with.
    let signs = "#".repeat(
        1 + (0..8)
            .rev()
            .find(|it| tree.contains(&format!("\"{}", "#".repeat(*it))))
            .unwrap_or(0),
    );
    format!("telemetry.assert_tree(\n    &[],\n    r{signs}\"\n{tree}    \"{signs},\n);\n")
}

/// The trace as a section of an issue.
pub(super) fn markdown(trace: &Trace, address: &str) -> String {
    let summary = Summary::of(&trace.spans);
    let name = summary.root.as_ref().map_or("", |root| &root.name);
    let line = |text: &str| escape(&shortened(text, 300)).replace('`', "'");
    let mut out = format!("### `{}`\n\n", line(name));
    let _ = writeln!(out, "| | |\n|---|---|");
    let _ = writeln!(
        out,
        "| answered in | {} |",
        duration(summary.duration_nanos())
    );
    if summary.errors > 0 {
        let _ = writeln!(
            out,
            "| failed | `{}` |",
            line(&summary.reason()).replace('|', "\\|")
        );
    }
    let _ = writeln!(
        out,
        "| where the time went | {} |",
        trace.time_spent().summary()
    );
    let _ = writeln!(
        out,
        "| trace | [`{id}`]({address}/traces/{id}) |",
        id = trace.trace_id
    );
    for finding in findings(&Timeline::of(trace)) {
        let text = line(&finding.text).replace('|', "\\|");
        let _ = writeln!(out, "| {} | {text} |", finding.kind.title());
    }
    let style = WaterfallStyle::default().with_width(100);
    // A fence that no line of the trace can close.
    let _ = write!(out, "\n~~~~~~text\n{}~~~~~~\n", trace.waterfall(&style));
    out
}

#[cfg(test)]
mod tests;
