//! The routes `/metrics`, `/livez` and `/readyz`. They are for machines, and the layer does not record them.

use std::{fmt, future::Future};

use axum::{
    Router,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use telemetry_api::instrument::{Providers, scrape::ScrapeFormat};

use super::readiness::Health;
use crate::request::seen;

/// The routes for an operator's tools.
///
/// - `/metrics`: all metrics, in the Prometheus text format or as OpenMetrics, as the scraper asks.
/// - `/livez`: status 200 as long as the process answers.
/// - `/readyz`: status 200 if every check passes, else 503 with one line for each failed check. Both have the notes of
///   [`Health::inform`].
///
/// Merge them into the application's router before you add the telemetry layer, which does not record these paths.
/// Nested below another path they are recorded. To keep strangers away, serve them on a port of their own:
/// [`Serve::with_operations`](crate::Serve::with_operations).
///
/// ```
/// use axum::Router;
/// use telemetry_axum::{Operations, TelemetryLayer};
///
/// let app: Router = Router::new().merge(Operations::new()).layer(TelemetryLayer::new());
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Operations {
    providers: Option<Providers>,
    health: Health,
}

impl Operations {
    /// The routes with the metrics of the installed providers, and without readiness checks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers `/metrics` from these providers instead of the installed ones.
    pub fn with_providers(mut self, providers: Providers) -> Self {
        self.providers = Some(providers);
        self
    }

    /// Answers `/readyz` from this health, so that other parts of the program can register checks or drain it.
    pub fn with_health(mut self, health: Health) -> Self {
        self.health = health;
        self
    }

    /// Adds a readiness check that must pass within 2 seconds. Everybody who can request `/readyz` sees its error.
    /// [`Health::register`] does the same at any time.
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

    /// The health that answers `/readyz`, to share it with [`Serve`](crate::Serve).
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
            .route("/livez", get(live))
            .route("/readyz", get(move || ready(health)))
    }
}

async fn live() -> &'static str {
    // No layer records these routes, wherever they stand.
    seen::note();
    "ok\n"
}

async fn metrics(providers: Option<Providers>, headers: HeaderMap) -> Response {
    seen::note();
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
    // Rendering thousands of series takes milliseconds, and concurrent scrapes wait for each other. So it must not run
    // on a thread that serves requests.
    match tokio::task::spawn_blocking(move || providers.scrape(format)).await {
        Ok(text) => {
            // Disabled telemetry has no metrics. An empty answer keeps scrapers from raising an alert.
            let text = text.unwrap_or_else(|| format.empty().to_owned());
            ([(header::CONTENT_TYPE, format.content_type())], text).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn ready(health: Health) -> Response {
    seen::note();
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
