//! `/metrics`, `/livez` and `/readyz`: for machines, and kept out of traces and metrics.

use std::{fmt, future::Future};

use axum::{
    Router,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use telemetry_core::{Providers, scrape::ScrapeFormat};

use crate::health::Health;

/// The routes an operator's tools ask; merge it into the application's router, before the telemetry
/// layer, which lets these paths pass; nested below another they are traced. Or serve them on a port of their own, which
/// strangers cannot reach: [`Serve::with_operations`](crate::Serve::with_operations).
///
/// - `/metrics`: everything recorded, in the Prometheus text format or OpenMetrics, as the scraper asks.
/// - `/livez`: 200 as long as the process answers.
/// - `/readyz`: 200 if every check passes, else 503 with one line for each that does not; and what
///   [`Health::inform`] shows.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Operations {
    providers: Option<Providers>,
    health: Health,
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

    /// Answers `/readyz` from this health, which others register with or drain.
    pub fn with_health(mut self, health: Health) -> Self {
        self.health = health;
        self
    }

    /// The service is ready only if this check passes within 2 seconds. Its error is shown to whoever asks `/readyz`.
    /// Short for [`Health::register`] where the checks are known at once.
    pub fn ready_when<F, E>(
        self,
        name: &'static str,
        check: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        self.health.register(name, check);
        self
    }

    /// What `/readyz` answers, to share it with [`Serve`](crate::Serve).
    pub fn health(&self) -> &Health {
        &self.health
    }
}

impl<S> From<Operations> for Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    fn from(operations: Operations) -> Self {
        let Operations { providers, health } = operations;
        Self::new()
            .route(
                "/metrics",
                get(move |headers: HeaderMap| metrics(providers, headers)),
            )
            .route("/livez", get(|| async { "ok\n" }))
            .route("/readyz", get(move || ready(health)))
    }
}

async fn metrics(providers: Option<Providers>, headers: HeaderMap) -> Response {
    let accept: Vec<_> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|accept| accept.to_str().ok())
        .collect();
    let format = ScrapeFormat::negotiate(&accept.join(","));
    let Some(providers) = providers.or_else(Providers::current) else {
        let text = "telemetry is not installed\n";
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    };
    // Thousands of series take milliseconds, and scrapers that ask at once wait for each other: not on a thread
    // that requests need.
    match tokio::task::spawn_blocking(move || providers.scrape(format)).await {
        Ok(text) => {
            // Telemetry that is disabled has no metrics, which is no reason for an alert.
            let text = text.unwrap_or_else(|| format.empty().to_owned());
            ([(header::CONTENT_TYPE, format.content_type())], text).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn ready(health: Health) -> Response {
    let ready = health.ready().await;
    let notes = health.notes();
    match ready {
        Ok(()) => format!("ready\n{notes}").into_response(),
        Err(failures) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{failures}{notes}"),
        )
            .into_response(),
    }
}
