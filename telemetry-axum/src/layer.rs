//! The layer, and the options that an application sets on it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use http::{Extensions, HeaderName, uri::Scheme};
use telemetry_api::instrument::{Providers, providers::LazySetting, settings::HTTP_KNOWN_METHODS};
use telemetry_semconv::http::KnownMethods;
use tower_layer::Layer;

use crate::{
    layer_state::LayerState,
    options::{
        LayerOptions, captured_headers::CapturedHeaders, excluded_routes::ExcludedRoutes,
        grpc_methods::GrpcMethods, known_servers::KnownServers, network::Network,
        trusted_proxies::ProxyHeaders,
    },
    service::TelemetryService,
};

/// Records every request that passes through it: a server span, the duration, the number of active requests, and a
/// correlation id.
///
/// It uses the providers that `bootstrap` has installed, and looks them up at the first request. Use
/// [`with_providers`](Self::with_providers) to pass others. Without providers it only handles the correlation id.
///
/// Each option is a method `with_*` that consumes the layer. Most services need none. An option that is off costs a
/// request nothing.
///
/// ```
/// use axum::{Router, routing::get};
/// use telemetry_axum::TelemetryLayer;
///
/// let app: Router = Router::new()
///     .route("/orders/{id}", get(|| async { "an order" }))
///     .layer(TelemetryLayer::new().with_access_log());
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TelemetryLayer {
    state: Arc<LayerState>,
}

impl TelemetryLayer {
    /// A layer with the default options. With its first request it reads `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`.
    pub fn new() -> Self {
        Self::knowing(LazySetting::new(&HTTP_KNOWN_METHODS))
    }

    /// Like [`new`](Self::new), but takes environment variables from `lookup`. For tests.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let methods = HTTP_KNOWN_METHODS.read_from(lookup);
        Self::knowing(LazySetting::of(&HTTP_KNOWN_METHODS, methods))
    }

    fn knowing(known_methods: LazySetting<KnownMethods>) -> Self {
        Self {
            state: Arc::new(LayerState::new(LayerOptions::new(known_methods))),
        }
    }

    /// Uses these providers instead of the installed ones. For tests, and for several services in one process.
    pub fn with_providers(self, providers: Providers) -> Self {
        self.with(|options| options.providers = Some(providers))
    }

    /// Replaces the list of known methods. Any other method becomes `_OTHER` (semantic conventions, HTTP,
    /// `http.request.method`).
    ///
    /// Default: the list in `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`, else the nine methods of the conventions. For
    /// services with further methods, such as `QUERY` or those of WebDAV.
    pub fn with_known_methods(self, names: impl IntoIterator<Item = &'static str>) -> Self {
        self.with(|options| options.known_methods.set(KnownMethods::exactly(names)))
    }

    /// Replaces the list of excluded routes: requests whose path or matched route is on the list are not recorded. A `*`
    /// at the end of an entry matches any rest.
    ///
    /// Default: `/livez`, `/metrics` and `/readyz`. For routes that machines poll all day. An excluded request has
    /// neither a span nor a correlation id, and calls that its handler makes do not join the caller's trace.
    pub fn with_excluded_routes(self, routes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.with(|options| options.excluded_routes = ExcludedRoutes::new(routes))
    }

    /// Treats all callers as strangers: each request starts a new trace, which has a link to the caller's span.
    ///
    /// The caller's sampling decision, tracestate and baggage are ignored, so nobody outside can make the service
    /// record everything or nothing. A valid correlation id of the caller is still used. Default: callers are trusted,
    /// as in OpenTelemetry.
    pub fn with_public_endpoint(self) -> Self {
        self.with(|options| options.is_public_endpoint = true)
    }

    /// Takes the principal over that a caller names in its baggage: onto the span, log lines and further calls.
    ///
    /// Default: off, because whoever can reach the service can name anybody. For services that only services of your own
    /// can reach. Without effect beside [`with_public_endpoint`](Self::with_public_endpoint).
    pub fn with_callers_principal(self) -> Self {
        self.with(|options| options.believes_principal = true)
    }

    /// Trusts the proxies in these networks: the client's address, the scheme and the server's address come from their
    /// `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host` headers.
    ///
    /// Default: no proxy is trusted. For services behind a load balancer or an ingress. It needs the address of the
    /// peer, which [`serve`](crate::serve) provides. If the proxies write `Forwarded`, set
    /// [`with_proxy_headers`](Self::with_proxy_headers) too.
    pub fn with_trusted_proxies(self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.with(|options| options.trusted_proxies.networks = networks.into_iter().collect())
    }

    /// Selects the headers that the trusted proxies write. The other kind of headers is ignored, because proxies pass it
    /// on as the caller sent it.
    ///
    /// Default: `X-Forwarded-*`. If a proxy does not write one of the selected headers itself, callers can choose its
    /// value: configure the proxy to remove that header.
    pub fn with_proxy_headers(self, written: ProxyHeaders) -> Self {
        self.with(|options| options.trusted_proxies.headers = written)
    }

    /// Sets the function that finds the peer's address in the extensions of a request.
    ///
    /// Default: axum's `ConnectInfo<SocketAddr>`. For other servers, such as tonic (`TcpConnectInfo`), or a listener that
    /// speaks the PROXY protocol.
    pub fn with_peer_address(
        self,
        peer: impl Fn(&Extensions) -> Option<SocketAddr> + Send + Sync + 'static,
    ) -> Self {
        self.with(|options| options.find_peer_address = Some(Arc::new(peer)))
    }

    /// Sets the scheme of all requests, unless a trusted proxy names another: `url.scheme`, and the default
    /// `server.port`.
    ///
    /// Default: the scheme of the request's URI, else `http`. For services that terminate TLS themselves, because an
    /// HTTP/1.1 request does not contain its scheme. Schemes other than `http` and `https` are ignored.
    pub fn with_scheme(self, scheme: Scheme) -> Self {
        let known = [(Scheme::HTTP, false), (Scheme::HTTPS, true)];
        let https = known.into_iter().find(|(known, _)| *known == scheme);
        self.with(|options| options.https = https.map(|(_, https)| https))
    }

    /// Adds the attribute `client.port` to spans, which the conventions make opt-in. Default: off. Use it to find a
    /// connection in the log of a proxy or a firewall.
    pub fn with_client_port(self) -> Self {
        self.with(|options| options.client_port = true)
    }

    /// Adds the attribute `network.transport` to spans, which the conventions make opt-in. Default: off. For services
    /// that use other transports beside TCP.
    pub fn with_network_transport(self) -> Self {
        self.with(|options| options.network_transport = true)
    }

    /// Adds these request headers to spans as `http.request.header.{name}`, and to the spans of gRPC calls as
    /// `rpc.request.metadata.{name}`. Default: none.
    ///
    /// Values of credentials (`authorization`, `cookie` and similar headers), of headers that are marked as sensitive,
    /// and of [`with_redacted_headers`](Self::with_redacted_headers) are replaced by `REDACTED`.
    pub fn with_captured_request_headers(
        self,
        names: impl IntoIterator<Item = HeaderName>,
    ) -> Self {
        let names: Vec<_> = names.into_iter().collect();
        let captured = CapturedHeaders::new("http.request.header", names.iter().cloned());
        let metadata = CapturedHeaders::new("rpc.request.metadata", names);
        self.with(|options| {
            options.captured_request_headers = captured;
            options.captured_request_metadata = metadata;
        })
    }

    /// Adds these response headers to spans as `http.response.header.{name}`, redacted like request headers. On the spans
    /// of gRPC calls it is `rpc.response.metadata.{name}`, also for trailers. Default: none.
    pub fn with_captured_response_headers(
        self,
        names: impl IntoIterator<Item = HeaderName>,
    ) -> Self {
        let names: Vec<_> = names.into_iter().collect();
        let captured = CapturedHeaders::new("http.response.header", names.iter().cloned());
        let metadata = CapturedHeaders::new("rpc.response.metadata", names);
        self.with(|options| {
            options.captured_response_headers = captured;
            options.captured_response_metadata = metadata;
        })
    }

    /// Redacts further headers: a captured header of these is shown with the value `REDACTED`. Default: only
    /// credentials are redacted.
    pub fn with_redacted_headers(self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.with(|options| options.redacted_headers = names.into_iter().collect())
    }

    /// Redacts the values of further query keys, beside those that the conventions list (`sig`, `X-Amz-Signature` and
    /// others). The case of a key matters. Default: none. For tokens, e-mail addresses or names in your URLs.
    pub fn with_redacted_query_keys(
        self,
        keys: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let keys = keys.into_iter().map(|key| key.into().into_boxed_str());
        self.with(|options| options.redacted_query_keys = keys.collect())
    }

    /// Sets the headers in which a correlation id is looked for, in this order. The response has the id in the first.
    ///
    /// Default: `x-correlation-id`, then `x-request-id`. With an empty list, the caller's id is not used and the
    /// response has no such header.
    pub fn with_correlation_headers(self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.with(|options| options.correlation_headers = names.into_iter().collect())
    }

    /// Adds the header `traceresponse` (W3C Trace Context level 2) to responses, so that callers without tracing learn
    /// the id of the trace. Default: off, because it shows trace ids to strangers.
    pub fn with_traceresponse(self) -> Self {
        self.with(|options| options.traceresponse = true)
    }

    /// Adds the header `server-timing: traceparent;desc="..."` to responses. It is the only header of a page's own load
    /// that scripts in a browser can read. Default: off. For real-user monitoring that joins page loads with traces.
    pub fn with_server_timing(self) -> Self {
        self.with(|options| options.server_timing = true)
    }

    /// Adds the labels `server.address` and `server.port`, which the conventions make opt-in, to the metrics of requests
    /// for these hosts. For one service with several host names.
    ///
    /// Each entry is `host` or `host:port`, with brackets around an IPv6 address; other text is ignored. An entry without
    /// a port matches all ports that no other entry of the host lists; its requests have no label `server.port`.
    /// Requests for other hosts have neither label, so that callers cannot create series. Default: none.
    ///
    /// The host is that of a [trusted proxy](Self::with_trusted_proxies), else that of the request. Upper and lower case
    /// and a dot at the end make no difference; the label is in lower case.
    ///
    /// Cost: each host multiplies the series of every route, and past 1500 series requests have no `server.address`. Each
    /// request searches the list from its start.
    pub fn with_server_address_metrics(
        self,
        hosts: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Self {
        self.with(|options| options.known_servers = KnownServers::new(hosts))
    }

    /// Records the histograms `http.server.request.body.size` and `http.server.response.body.size`, in bytes, and the
    /// span attributes `http.request.body.size` and `http.response.body.size`. Default: off.
    ///
    /// The layer counts the bytes that pass through it, of streams too. Inside of a compression layer it sees the bytes
    /// before compression, outside of it those after. Of the request it counts the bytes that the service reads.
    ///
    /// Cost: two measurements for each request, and one allocation for a request with a body.
    pub fn with_body_sizes(self) -> Self {
        self.with(|options| options.body_sizes = true)
    }

    /// Logs one line at the end of each request: an event of level INFO and target `telemetry_axum::access`, with method,
    /// route, status, duration in seconds, bytes and outcome. Its ids are those of any log line.
    ///
    /// Default: off. For services whose operators work with logs. The log filter can switch it on and off at run time.
    pub fn with_access_log(self) -> Self {
        self.with(|options| options.access_log = true)
    }

    /// Gives each request a `tracing` span, so that tasks which a handler spawns by the idioms of `tracing` belong to the
    /// request: `tokio::spawn(work.in_current_span())` and `.instrument(Span::current())`. Their log lines, steps, calls and
    /// statements have its trace, correlation id and principal.
    ///
    /// Default: off, because of its cost; `.in_current_context()` of telemetry-core does the same without it. Use it where
    /// the code spawns by these idioms already. It needs the subscriber of the pipeline. The span is no OpenTelemetry
    /// span. Other `tracing` layers of the application see it as `request`, of target `telemetry::carrier`.
    ///
    /// Cost: 5,900 instructions a request (`examples/axum_cost.rs`, `tracing-span`).
    pub fn with_tracing_span(self) -> Self {
        self.with(|options| options.tracing_span = true)
    }

    /// Records gRPC calls by the RPC conventions instead of the HTTP ones. Other requests are not affected. For tonic
    /// servers, and for servers of both kinds on one port. Default: off.
    ///
    /// The span has the method as its name and carries `rpc.*`; its status is that of the trailers. The duration is
    /// `rpc.server.call.duration`, in seconds.
    ///
    /// Callers can invent methods, so a call has a method only if the router has a route of exactly this path, or if a
    /// service has answered this method, now or before. A refusal is not such an answer (`UNIMPLEMENTED`,
    /// `UNAUTHENTICATED`, `PERMISSION_DENIED`, `RESOURCE_EXHAUSTED`, `UNAVAILABLE`, `DEADLINE_EXCEEDED`, `CANCELLED`
    /// without a message). All other calls have the method `_OTHER`. Use
    /// [`with_grpc_methods`](Self::with_grpc_methods) to list the methods that exist: then a method has its name from
    /// its first call on, however that ends.
    ///
    /// gRPC-Web is recorded in the same way, also by a layer outside of tonic's `GrpcWebLayer`.
    ///
    /// A call that is abandoned when its `grpc-timeout` has passed ends as `DEADLINE_EXCEEDED`, an error. The timeout of
    /// the server is not visible to a layer: see [`with_grpc_timeout`](Self::with_grpc_timeout).
    pub fn with_grpc(self) -> Self {
        self.with_grpc_methods([] as [&str; 0])
    }

    /// Like [`with_grpc`](Self::with_grpc), for a server that has exactly these methods, each written as
    /// `package.Service/Method`. Any other method is `_OTHER`. A listed method keeps its name, whatever the answer is.
    pub fn with_grpc_methods(self, methods: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.with(|options| options.grpc_methods = Some(GrpcMethods::new(methods)))
    }

    /// Tells the layer the timeout that the server gives each gRPC call, such as that of tonic's `Server::timeout`. A call
    /// that the server abandons after this time ends as `DEADLINE_EXCEEDED`. The layer itself ends no call.
    ///
    /// Default: only the caller's `grpc-timeout` is known, and a call that the server's own timeout ends looks like one
    /// whose caller has left.
    pub fn with_grpc_timeout(self, timeout: Duration) -> Self {
        self.with(|options| options.grpc_timeout = Some(timeout))
    }

    /// Copies the options, which is cheap enough: they are set only while a router is built.
    fn with(self, set: impl FnOnce(&mut LayerOptions)) -> Self {
        let mut options = self.state.options.clone();
        set(&mut options);
        Self {
            state: Arc::new(LayerState::new(options)),
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
        TelemetryService::new(inner, self.state.clone())
    }
}
