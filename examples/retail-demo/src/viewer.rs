//! The viewer's data, over its HTTP API.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::failure::{Failure, Result};

/// A client of telemetry-viewer.
#[derive(Clone, Debug)]
pub(crate) struct Viewer {
    client: reqwest::Client,
    base: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Trace {
    pub(crate) trace_id: String,
    pub(crate) spans: Vec<Span>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Span {
    pub(crate) service: String,
    pub(crate) span_id: String,
    pub(crate) parent_span_id: Option<String>,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) status: Status,
    pub(crate) attributes: HashMap<String, Value>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Status {
    code: String,
    #[serde(default)]
    message: String,
}

/// The newest point of a series.
#[derive(Debug, Deserialize)]
pub(crate) struct Point {
    pub(crate) service: String,
    pub(crate) name: String,
    pub(crate) value: Measured,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Measured {
    /// How many measurements a histogram has; other kinds have no count.
    #[serde(default)]
    pub(crate) count: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct LogRecord {
    pub(crate) service: String,
    pub(crate) severity: String,
    pub(crate) body: String,
    #[serde(default)]
    pub(crate) span_id: Option<String>,
}

/// Rate, errors and duration of a route; durations in seconds.
#[derive(Debug, Deserialize)]
pub(crate) struct RedRow {
    pub(crate) service: String,
    pub(crate) method: String,
    /// Empty for requests that matched no route.
    pub(crate) route: String,
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) rate: Option<f64>,
    pub(crate) p50: Option<f64>,
    pub(crate) p95: Option<f64>,
    pub(crate) p99: Option<f64>,
    /// How the percentiles were found.
    pub(crate) percentiles: String,
}

impl Span {
    pub(crate) fn is_error(&self) -> bool {
        self.status.code == "ERROR"
    }

    /// The span as a tree of telemetry-viewer begins its line.
    pub(crate) fn title(&self) -> String {
        format!("{} [{}] {}", self.name, self.service, self.kind)
    }

    /// Why it failed: `error.type`, and the description if there is one.
    pub(crate) fn reason(&self) -> String {
        let kind = self.attributes.get("error.type").and_then(Value::as_str);
        match (kind, self.status.message.as_str()) {
            (Some(kind), "") => format!("error {kind}"),
            (Some(kind), message) => format!("error {kind}, {message}"),
            (None, message) => format!("error {message}").trim_end().to_owned(),
        }
    }
}

impl Viewer {
    pub(crate) fn new(client: reqwest::Client, base: String) -> Self {
        Self { client, base }
    }

    /// The traces found by this correlation id alone.
    pub(crate) async fn traces(&self, correlation_id: &str) -> Result<Vec<Trace>> {
        #[derive(Deserialize)]
        struct Found {
            trace_id: String,
        }

        let query = [("correlation_id", correlation_id)];
        let found: Vec<Found> = self.json("/api/traces", &query).await?;
        let mut traces = Vec::new();
        for Found { trace_id } in found {
            traces.push(self.json(&format!("/api/traces/{trace_id}"), &[]).await?);
        }
        Ok(traces)
    }

    pub(crate) async fn metrics(&self) -> Result<Vec<Point>> {
        self.json("/api/metrics", &[]).await
    }

    /// The log lines found by this correlation id alone.
    pub(crate) async fn logs(&self, correlation_id: &str) -> Result<Vec<LogRecord>> {
        self.json("/api/logs", &[("correlation_id", correlation_id)])
            .await
    }

    pub(crate) async fn tree_text(&self, trace_id: &str, style: &[(&str, &str)]) -> Result<String> {
        self.text(&format!("/traces/{trace_id}.txt"), style).await
    }

    pub(crate) async fn time_text(&self, trace_id: &str) -> Result<String> {
        self.text(&format!("/traces/{trace_id}/time.txt"), &[])
            .await
    }

    pub(crate) async fn waterfall_text(
        &self,
        trace_id: &str,
        width: usize,
        colours: bool,
    ) -> Result<String> {
        let (width, colours) = (width.to_string(), colours.to_string());
        let style = [("width", width.as_str()), ("colours", colours.as_str())];
        self.text(&format!("/traces/{trace_id}/waterfall.txt"), &style)
            .await
    }

    pub(crate) async fn red(&self) -> Result<Vec<RedRow>> {
        self.json("/api/red", &[]).await
    }

    /// The address of a page for a person.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) async fn logs_text(&self, correlation_id: &str, width: &str) -> Result<String> {
        let query = [("correlation_id", correlation_id), ("width", width)];
        self.text("/logs.txt", &query).await
    }

    async fn json<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T> {
        let text = self.text(path, query).await?;
        serde_json::from_str(&text)
            .map_err(|error| Failure::new(format!("cannot read {path} of the viewer: {error}")))
    }

    async fn text(&self, path: &str, query: &[(&str, &str)]) -> Result<String> {
        let url = format!("{}{path}", self.base);
        let answer = async {
            let response = self.client.get(&url).query(query).send().await?;
            response.error_for_status()?.text().await
        };
        answer
            .await
            .map_err(|error| Failure::new(format!("cannot ask the viewer: {error}")))
    }
}
