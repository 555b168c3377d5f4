//! The layer and its options.

use std::sync::Arc;

use telemetry_api::instrument::{Providers, providers::Lazy};
use telemetry_semconv::rpc as semconv_rpc;
use tower_layer::Layer;

use super::{channel::ChannelTelemetry, metrics::GrpcInstruments, service::GrpcService};
use crate::{hosts::Hosts, metrics::server_address::ServerAddress};

/// Instruments each call of a gRPC channel with a client span and a duration, and writes the context into its metadata.
///
/// It uses the providers that `bootstrap` installed, looked up at the first call, or those of
/// [`with_providers`](Self::with_providers). While there are none, calls pass with the correlation id only.
#[derive(Clone, Debug)]
#[must_use]
pub struct GrpcLayer(ChannelTelemetry);

impl GrpcLayer {
    /// A layer for a channel to this target. The semantic conventions read `server.address` and `server.port` from it: the
    /// host and port of a URL, the name of a `dns:` target, the path of a `unix:` target.
    pub fn new(target: &str) -> Self {
        let (host, port) = semconv_rpc::target(target);
        Self(ChannelTelemetry {
            instruments: Arc::new(Lazy::new(None, GrpcInstruments::new)),
            address: ServerAddress::new(host, port),
            propagates: true,
            listed: false,
            orphans: Arc::default(),
        })
    }

    /// Records through these providers. Default: the installed ones.
    pub fn with_providers(mut self, providers: Providers) -> Self {
        self.0.instruments = Arc::new(Lazy::new(Some(providers), GrpcInstruments::new));
        self
    }

    /// Sends trace context, baggage and correlation id only if the target is one of these hosts. Default: always.
    ///
    /// The [`Principal`](telemetry_api::Principal) is sent only if the target is one of these hosts.
    pub fn with_propagation_to(mut self, hosts: &Hosts) -> Self {
        let address = &self.0.address;
        let listed = hosts.matches(address.host(), address.port());
        self.0.listed = listed;
        self.0.propagates = listed;
        self
    }
}

impl<S> Layer<S> for GrpcLayer {
    type Service = GrpcService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        GrpcService::new(inner, Arc::new(self.0.clone()))
    }
}
