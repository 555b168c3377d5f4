//! The state that all services of a layer share.

use telemetry_api::instrument::{
    Providers, propagation::Propagation, providers::Lazy, tracer::Tracer,
};

use crate::{
    metrics::{
        call_metrics::CallMetrics, instrumentation_scope::scope, request_metrics::RequestMetrics,
    },
    options::LayerOptions,
};

/// The options of a layer, and the instruments that are resolved at its first request.
#[derive(Debug)]
pub(crate) struct LayerState {
    pub(crate) options: LayerOptions,
    pub(crate) telemetry: Lazy<ServerTelemetry>,
    /// Resolved at the first gRPC call, so that HTTP servers do not have the instrument.
    pub(crate) calls: Lazy<CallMetrics>,
}

/// The parts of a pipeline that every request needs.
#[derive(Debug)]
pub(crate) struct ServerTelemetry {
    pub(crate) tracer: Tracer,
    pub(crate) propagation: Propagation,
    pub(crate) requests: RequestMetrics,
}

impl LayerState {
    pub(crate) fn new(options: LayerOptions) -> Self {
        let providers = &options.providers;
        Self {
            telemetry: Lazy::new(providers.clone(), ServerTelemetry::new),
            calls: Lazy::new(providers.clone(), CallMetrics::new),
            options,
        }
    }
}

impl ServerTelemetry {
    fn new(providers: &Providers) -> Self {
        let meter = providers.meter(scope());
        Self {
            tracer: providers.tracer(scope()),
            propagation: providers.propagation().clone(),
            requests: RequestMetrics::new(providers, &meter),
        }
    }
}
