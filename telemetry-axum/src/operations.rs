//! `/metrics`, `/livez` and `/readyz`: for machines, and kept out of traces and metrics.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use axum::{
    Router,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use telemetry_core::{Providers, scrape::ScrapeFormat};

/// A readiness check that takes longer than this has failed.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

type Check =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// The routes an operator's tools ask; merge it into the application's router, before the telemetry
/// layer, which lets these routes pass.
///
/// - `/metrics`: everything recorded, in the Prometheus text format or OpenMetrics, as the scraper asks.
/// - `/livez`: 200 as long as the process answers.
/// - `/readyz`: 200 if every check passes, else 503 with one line for each that does not.
#[derive(Clone, Default)]
#[must_use]
pub struct Operations {
    providers: Option<Providers>,
    checks: Vec<(&'static str, Check)>,
}

impl Operations {
    /// Metrics of the installed providers, and no readiness checks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers `/metrics` from these providers instead of the installed ones.
    pub fn with_providers(mut self, providers: Providers) -> Self {
        self.providers = Some(providers);
        self
    }

    /// The service is ready only if this check passes within 2 seconds. Its error is shown to whoever asks `/readyz`.
    pub fn ready_when<F, E>(
        mut self,
        name: &'static str,
        check: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: std::fmt::Display,
    {
        let check: Check = Arc::new(move || {
            let result = check();
            Box::pin(async move { result.await.map_err(|error| error.to_string()) })
        });
        self.checks.push((name, check));
        self
    }
}

impl<S> From<Operations> for Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    fn from(operations: Operations) -> Self {
        let Operations { providers, checks } = operations;
        Self::new()
            .route(
                "/metrics",
                get(move |headers: HeaderMap| async move { metrics(providers, &headers) }),
            )
            .route("/livez", get(|| async { "ok\n" }))
            .route("/readyz", get(move || ready(checks)))
    }
}

fn metrics(providers: Option<Providers>, headers: &HeaderMap) -> Response {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .unwrap_or_default();
    let format = ScrapeFormat::negotiate(accept);
    match providers
        .or_else(Providers::current)
        .and_then(|providers| providers.scrape(format))
    {
        Some(text) => ([(header::CONTENT_TYPE, format.content_type())], text).into_response(),
        None => (
            StatusCode::SERVICE_UNAVAILABLE,
            "telemetry is not installed\n",
        )
            .into_response(),
    }
}

async fn ready(checks: Vec<(&'static str, Check)>) -> Response {
    let mut failures = String::new();
    for (name, check) in checks {
        let result = tokio::time::timeout(CHECK_TIMEOUT, check()).await;
        let failure = match result {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => error,
            Err(_) => format!("no answer within {CHECK_TIMEOUT:?}"),
        };
        failures.extend([name, ": ", &failure, "\n"]);
    }
    if failures.is_empty() {
        "ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, failures).into_response()
    }
}

impl std::fmt::Debug for Operations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Operations")
            .field("checks", &self.checks.len())
            .finish_non_exhaustive()
    }
}
