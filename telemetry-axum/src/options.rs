//! The options of a layer as values: set while the router is built, read by each request.

pub(crate) mod attribute_limit;
pub(crate) mod captured_headers;
pub(crate) mod excluded_routes;
pub(crate) mod grpc_methods;
pub(crate) mod known_servers;
pub(crate) mod network;
pub(crate) mod trusted_proxies;

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use axum::extract::ConnectInfo;
use http::{Extensions, HeaderName};
use telemetry_api::instrument::{Providers, providers::LazySetting};
use telemetry_semconv::http::KnownMethods;

use self::{
    captured_headers::CapturedHeaders, excluded_routes::ExcludedRoutes, grpc_methods::GrpcMethods,
    known_servers::KnownServers, trusted_proxies::TrustedProxies,
};

/// The headers in which a correlation id is looked for, in this order. It is echoed in the first.
const CORRELATION_HEADERS: [HeaderName; 2] = [
    HeaderName::from_static("x-correlation-id"),
    HeaderName::from_static("x-request-id"),
];

type FindPeerAddress = Arc<dyn Fn(&Extensions) -> Option<SocketAddr> + Send + Sync>;

/// One field for each `with_*` method of [`TelemetryLayer`](crate::TelemetryLayer); the method describes it.
#[derive(Clone)]
pub(crate) struct LayerOptions {
    pub(crate) providers: Option<Providers>,
    pub(crate) known_methods: LazySetting<KnownMethods>,
    pub(crate) excluded_routes: ExcludedRoutes,
    pub(crate) is_public_endpoint: bool,
    pub(crate) believes_principal: bool,
    pub(crate) trusted_proxies: TrustedProxies,
    /// `None` means axum's `ConnectInfo<SocketAddr>`.
    pub(crate) find_peer_address: Option<FindPeerAddress>,
    /// The configured scheme of all requests: true for `https`. `None` means that the request's URI tells.
    pub(crate) https: Option<bool>,
    pub(crate) client_port: bool,
    pub(crate) network_transport: bool,
    pub(crate) captured_request_headers: CapturedHeaders,
    pub(crate) captured_response_headers: CapturedHeaders,
    /// The same headers, as the RPC conventions name them.
    pub(crate) captured_request_metadata: CapturedHeaders,
    pub(crate) captured_response_metadata: CapturedHeaders,
    pub(crate) redacted_headers: Vec<HeaderName>,
    pub(crate) redacted_query_keys: Vec<Box<str>>,
    pub(crate) correlation_headers: Vec<HeaderName>,
    pub(crate) traceresponse: bool,
    pub(crate) server_timing: bool,
    pub(crate) known_servers: KnownServers,
    pub(crate) body_sizes: bool,
    pub(crate) access_log: bool,
    pub(crate) tracing_span: bool,
    /// `None` means that gRPC calls are treated as the HTTP requests that carry them.
    pub(crate) grpc_methods: Option<GrpcMethods>,
    /// The time that the server gives each gRPC call.
    pub(crate) grpc_timeout: Option<Duration>,
}

impl LayerOptions {
    /// The defaults, and these known methods.
    pub(crate) fn new(known_methods: LazySetting<KnownMethods>) -> Self {
        Self {
            providers: None,
            known_methods,
            excluded_routes: ExcludedRoutes::default(),
            is_public_endpoint: false,
            believes_principal: false,
            trusted_proxies: TrustedProxies::default(),
            find_peer_address: None,
            https: None,
            client_port: false,
            network_transport: false,
            captured_request_headers: CapturedHeaders::default(),
            captured_response_headers: CapturedHeaders::default(),
            captured_request_metadata: CapturedHeaders::default(),
            captured_response_metadata: CapturedHeaders::default(),
            redacted_headers: Vec::new(),
            redacted_query_keys: Vec::new(),
            correlation_headers: CORRELATION_HEADERS.into(),
            traceresponse: false,
            server_timing: false,
            known_servers: KnownServers::default(),
            body_sizes: false,
            access_log: false,
            tracing_span: false,
            grpc_methods: None,
            grpc_timeout: None,
        }
    }

    /// The options that are set and do nothing for gRPC calls, because the RPC conventions have nothing for them.
    pub(crate) fn without_effect_on_calls(&self) -> Vec<&'static str> {
        let options = [
            ("with_body_sizes", self.body_sizes),
            (
                "with_server_address_metrics",
                !self.known_servers.is_empty(),
            ),
        ];
        let set = options.into_iter().filter(|(_, is_set)| *is_set);
        set.map(|(name, _)| name).collect()
    }

    /// The address of the other end of the connection, if the server has put it into the request's extensions.
    pub(crate) fn peer_address(&self, extensions: &Extensions) -> Option<SocketAddr> {
        match &self.find_peer_address {
            Some(find) => find(extensions),
            None => extensions
                .get::<ConnectInfo<SocketAddr>>()
                .map(|ConnectInfo(peer)| *peer),
        }
    }
}

impl fmt::Debug for LayerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerOptions")
            .field("is_public_endpoint", &self.is_public_endpoint)
            .field("excluded_routes", &self.excluded_routes)
            .finish_non_exhaustive()
    }
}
