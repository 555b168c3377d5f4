//! The layer: options, and the instruments all its services share.

use std::sync::{Arc, atomic::AtomicBool};

use telemetry_api::instrument::{Providers, providers::Lazy};
use telemetry_semconv::rpc as semconv_rpc;
use tower_layer::Layer;

use super::{metrics::GrpcInstruments, service::GrpcService};
use crate::{address::Address, hosts::Hosts};

/// Instruments every call of a gRPC channel: client span, duration, context in its metadata.
///
/// The providers are those that `bootstrap` installed, looked up at the first call; pass others with
/// [`with_providers`](Self::with_providers). Without any, calls pass as they are, with the correlation id.
#[derive(Clone, Debug)]
#[must_use]
pub struct GrpcLayer {
    instruments: Arc<Lazy<GrpcInstruments>>,
    address: Address,
    propagates: bool,
    /// Whether that is because the target is one of the hosts given.
    listed: bool,
    reported: Arc<AtomicBool>,
}

impl GrpcLayer {
    /// For a channel to this target, which becomes `server.address` and `server.port` as the convention says: of a URL
    /// host and port, of a `dns:` target the name, of a `unix:` target the path.
    pub fn new(target: &str) -> Self {
        let (host, port) = semconv_rpc::target(target);
        Self {
            instruments: Arc::new(Lazy::new(None, GrpcInstruments::new)),
            address: Address::new(host, port),
            propagates: true,
            listed: false,
            reported: Arc::default(),
        }
    }

    /// Uses these providers instead of the installed ones.
    pub fn with_providers(mut self, providers: Providers) -> Self {
        self.instruments = Arc::new(Lazy::new(Some(providers), GrpcInstruments::new));
        self
    }

    /// Sends trace context, baggage and correlation id only if the target is one of these hosts. Default: always.
    ///
    /// The [`Principal`](telemetry_api::Principal) is sent only when it is.
    pub fn with_propagation_to(mut self, hosts: &Hosts) -> Self {
        self.listed = hosts.matches(self.address.host(), self.address.port());
        self.propagates = self.listed;
        self
    }
}

impl<S> Layer<S> for GrpcLayer {
    type Service = GrpcService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        let shared = Shared {
            instruments: self.instruments.clone(),
            address: self.address.clone(),
            propagates: self.propagates,
            listed: self.listed,
            reported: self.reported.clone(),
        };
        GrpcService::new(inner, Arc::new(shared))
    }
}

/// What a layer's services need of it.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) instruments: Arc<Lazy<GrpcInstruments>>,
    pub(crate) address: Address,
    pub(crate) propagates: bool,
    pub(crate) listed: bool,
    /// The first call without a span has been reported.
    pub(crate) reported: Arc<AtomicBool>,
}
