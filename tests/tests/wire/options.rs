//! The two ways in which the services run: as they are, and with every option that is off by default.

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use retail_web::{RetailApi, StartError};
use telemetry_axum::TelemetryLayer;
use telemetry_reqwest::{Hosts, SpanEnd, TelemetryMiddleware};
use telemetry_sqlx::SqlitePool;

/// How the services are instrumented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Options {
    Default,
    All,
}

/// The variable with the options of a service: `default` or `all`.
pub(crate) const OPTIONS: &str = "TELEMETRY_TEST_OPTIONS";

/// Settings that differ from those of the default run.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta"),
    ("OTEL_PROPAGATORS", "b3,b3multi,jaeger,tracecontext,baggage"),
    (
        "TELEMETRY_PRINCIPAL_ATTRIBUTES",
        "user.hash,user.id,user.roles",
    ),
    ("TELEMETRY_LOG_SPAN_FIELDS", "true"),
];

impl Options {
    pub(crate) fn of_environment() -> Self {
        match std::env::var(OPTIONS).as_deref() {
            Ok("all") => Self::All,
            _ => Self::Default,
        }
    }

    /// The variables that tell a service its options.
    pub(crate) fn environment(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Default => vec![(OPTIONS, "default")],
            Self::All => [(OPTIONS, "all")].into_iter().chain(ENVIRONMENT).collect(),
        }
    }

    pub(crate) fn layer(self) -> TelemetryLayer {
        match self {
            Self::Default => TelemetryLayer::new(),
            Self::All => TelemetryLayer::new()
                .with_client_port()
                .with_network_transport()
                .with_captured_request_headers([AUTHORIZATION, CONTENT_TYPE])
                .with_captured_response_headers([CONTENT_TYPE])
                .with_redacted_query_keys(["page"])
                .with_server_address_metrics(["127.0.0.1"])
                .with_traceresponse()
                .with_server_timing()
                .with_body_sizes()
                .with_access_log(),
        }
    }

    pub(crate) fn client(self, api: &str) -> Result<RetailApi, StartError> {
        match self {
            Self::Default => RetailApi::new(api),
            Self::All => {
                let middleware = TelemetryMiddleware::new()
                    .with_propagation_to(Hosts::new(["127.0.0.1"]))
                    .with_user_agent()
                    .with_span_end(SpanEnd::Body)
                    .with_active_requests()
                    .with_body_sizes();
                RetailApi::with_middleware(api, middleware)
            }
        }
    }

    pub(crate) fn pool(self, pool: SqlitePool) -> SqlitePool {
        // On a machine under load any statement may be slow.
        let pool = pool.with_slow_threshold(None);
        match self {
            Self::Default => pool,
            Self::All => pool
                .with_pool_name("orders")
                .with_returned_rows()
                .with_sqlcommenter(),
        }
    }
}
