//! The layer: options, and the instruments all its services share.

use std::sync::Arc;

use telemetry_core::{Providers, providers::Lazy};
use tower_layer::Layer;

use crate::{metrics::ServerInstruments, service::TelemetryService};

/// Instruments every request that passes it: server span, duration and active requests, correlation id.
///
/// The providers are those that `bootstrap` installed, looked up at the first request; pass others with
/// [`with_providers`](Self::with_providers). Without any, only the correlation id works.
#[derive(Clone, Debug)]
#[must_use]
pub struct TelemetryLayer {
    instruments: Arc<Lazy<ServerInstruments>>,
}

impl TelemetryLayer {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            instruments: Arc::new(Lazy::new(None, ServerInstruments::new)),
        }
    }

    /// Uses these providers instead of the installed ones.
    pub fn with_providers(self, providers: Providers) -> Self {
        Self {
            instruments: Arc::new(Lazy::new(Some(providers), ServerInstruments::new)),
        }
    }
}

impl Default for TelemetryLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for TelemetryLayer {
    type Service = TelemetryService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TelemetryService::new(inner, self.instruments.clone())
    }
}
