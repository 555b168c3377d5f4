//! The layer: its options, and what all its services share.

use std::{net::SocketAddr, sync::Arc};

use http::{Extensions, HeaderName, uri::Scheme};
use telemetry_api::instrument::Providers;
use telemetry_semconv::http::KnownMethods;
use tower_layer::Layer;

use crate::{
    headers::Capture,
    known_servers::KnownServers,
    network::Network,
    options::{Excluded, Options, Shared},
    origin::ProxyHeaders,
    service::TelemetryService,
};

/// Instruments every request that passes it: server span, duration and active requests, correlation id.
///
/// The providers are those that `bootstrap` installed, looked up at the first request; pass others with
/// [`with_providers`](Self::with_providers). Without any, only the correlation id works.
///
/// Every option is a consuming `with_*`; the defaults are what most services want. Options that are off cost nothing.
#[derive(Clone, Debug)]
#[must_use]
pub struct TelemetryLayer {
    shared: Arc<Shared>,
}

impl TelemetryLayer {
    /// The defaults, and what the environment says: `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`.
    pub fn new() -> Self {
        Self::from_environment(|name| std::env::var(name).ok())
    }

    /// [`new`](Self::new) with another source of the environment's variables, for tests.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            shared: Arc::new(Shared::new(Options::from_environment(lookup))),
        }
    }

    /// Uses these providers instead of the installed ones: for tests, and for several services in one process.
    pub fn with_providers(self, providers: Providers) -> Self {
        self.with(|options| options.providers = Some(providers))
    }

    /// The methods that are known, instead of the convention's nine: every other one is `_OTHER` (semantic
    /// conventions, HTTP, `http.request.method`). For services that speak more than HTTP, such as WebDAV or `QUERY`.
    /// Overrides the environment.
    pub fn with_known_methods(self, names: impl IntoIterator<Item = &'static str>) -> Self {
        self.with(|options| options.methods = KnownMethods::exactly(names))
    }

    /// Leaves requests alone whose path or matched route is one of these; a `*` at the end stands for anything. Default:
    /// `/livez`, `/metrics`, `/readyz`, which this list replaces. For endpoints that machines poll all day. They have
    /// neither a span nor a correlation id, and what their handlers call is none of the caller's trace.
    pub fn with_excluded_routes(self, routes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.with(|options| {
            options.excluded = routes
                .into_iter()
                .map(|route| Excluded::new(&route.into()))
                .collect();
        })
    }

    /// For services that strangers call: each request starts a trace of its own, to which the caller's span is a link.
    /// The caller's sampling decision, tracestate and baggage are not obeyed, so nobody outside can make the service
    /// record everything or nothing. The correlation id is still taken over when it is valid. Default: callers are
    /// trusted, as OpenTelemetry does.
    pub fn with_public_endpoint(self) -> Self {
        self.with(|options| options.public = true)
    }

    /// Believes `X-Forwarded-For`, `-Proto` and `-Host` of peers in these networks: client address, scheme and server
    /// address are then those of the caller in front of the proxies. For services behind a load balancer or ingress.
    /// Default: nobody is believed. Needs the peer's address, as [`serve`](crate::serve) provides it. For proxies that
    /// write `Forwarded`: [`with_proxy_headers`](Self::with_proxy_headers).
    pub fn with_trusted_proxies(self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.with(|options| options.proxies = networks.into_iter().collect())
    }

    /// The headers that the trusted proxies write themselves; all others come from the caller as it likes, and are not
    /// looked at. Default: `X-Forwarded-*`. A proxy that hands on a header of these without writing it
    /// lets its callers choose what is in it: have it removed there.
    pub fn with_proxy_headers(self, written: ProxyHeaders) -> Self {
        self.with(|options| options.proxy_headers = written)
    }

    /// Where the peer's address is found. Default: axum's `ConnectInfo<SocketAddr>`. For other servers, such as tonic
    /// (`TcpConnectInfo`) or a listener that speaks the PROXY protocol.
    pub fn with_peer_address(
        self,
        peer: impl Fn(&Extensions) -> Option<SocketAddr> + Send + Sync + 'static,
    ) -> Self {
        self.with(|options| options.peer = Some(Arc::new(peer)))
    }

    /// What requests come over unless a trusted proxy says otherwise: `url.scheme`, and the `server.port` where the host
    /// has none. For services that terminate TLS themselves: over HTTP/1.1 no request tells. Default: what the
    /// request's URI says, else `http`. Schemes other than `http` and `https` are not taken over.
    pub fn with_scheme(self, scheme: Scheme) -> Self {
        let known = [(Scheme::HTTP, false), (Scheme::HTTPS, true)];
        let https = known.into_iter().find(|(known, _)| *known == scheme);
        self.with(|options| options.https = https.map(|(_, https)| https))
    }

    /// Adds the convention's opt-in attribute `client.port` to spans. For finding a connection in the log of a proxy or
    /// firewall.
    pub fn with_client_port(self) -> Self {
        self.with(|options| options.client_port = true)
    }

    /// Adds the convention's opt-in attribute `network.transport` to spans. For services that also speak something
    /// else than TCP, whose spans shall be told apart.
    pub fn with_network_transport(self) -> Self {
        self.with(|options| options.network_transport = true)
    }

    /// Puts these request headers on the span as `http.request.header.{name}`. Default: none. The values of
    /// credentials (`authorization`, `cookie` and the like), of headers marked sensitive and of
    /// [`with_redacted_headers`](Self::with_redacted_headers) are shown as `REDACTED`.
    pub fn with_captured_request_headers(
        self,
        names: impl IntoIterator<Item = HeaderName>,
    ) -> Self {
        self.with(|options| {
            options.request_headers = Capture::new("http.request.header", names);
        })
    }

    /// Puts these response headers on the span as `http.response.header.{name}`, redacted like request headers.
    /// Default: none.
    pub fn with_captured_response_headers(
        self,
        names: impl IntoIterator<Item = HeaderName>,
    ) -> Self {
        self.with(|options| {
            options.response_headers = Capture::new("http.response.header", names);
        })
    }

    /// Further headers whose presence may be shown but never their value.
    pub fn with_redacted_headers(self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.with(|options| options.redacted_headers = names.into_iter().collect())
    }

    /// Further keys of the query whose values are replaced by `REDACTED`, beside the convention's (`sig`,
    /// `X-Amz-Signature` and so on). Case-sensitive. For tokens, e-mail addresses or names in your URLs.
    pub fn with_redacted_query_keys(
        self,
        keys: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.with(|options| {
            options.redacted_query_keys = keys
                .into_iter()
                .map(|key| key.into().into_boxed_str())
                .collect();
        })
    }

    /// The headers in which a correlation id is looked for, in this order; it is echoed in the first. Default:
    /// `x-correlation-id`, then `x-request-id`. With an empty list none is taken over and none is echoed.
    pub fn with_correlation_headers(self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.with(|options| options.correlation = names.into_iter().collect())
    }

    /// Answers with `traceresponse` (W3C Trace Context level 2): callers without a trace of their own learn the one
    /// that was made for them. Tells strangers your trace ids. Default: off.
    pub fn with_traceresponse(self) -> Self {
        self.with(|options| options.traceresponse = true)
    }

    /// Answers with `server-timing: traceparent;desc="..."`, the only header scripts in a browser can read of a page's
    /// own load: for real-user monitoring that joins page loads with traces. Default: off.
    pub fn with_server_timing(self) -> Self {
        self.with(|options| options.server_timing = true)
    }

    /// Adds the convention's opt-in labels `server.address` and `server.port` to the metrics of requests for these hosts.
    /// For one service behind several names. Requests for any other host have no such label, so nobody can make series
    /// of invented hosts. Default: none.
    ///
    /// Each is `host` or `host:port`, an IPv6 address in brackets; what is neither is ignored. One without a port stands
    /// for all ports that are not listed with it, and has no `server.port`. The host is the one on the span: what a
    /// [trusted proxy](Self::with_trusted_proxies) says, else what the request says; case and a dot at the end do not
    /// count, and the label is in lower case. Every host multiplies the series of each route; those past 1500 have no
    /// `server.address`. A request costs a search of the list.
    pub fn with_server_address_metrics(
        self,
        hosts: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Self {
        self.with(|options| options.known_servers = KnownServers::new(hosts))
    }

    /// Records `http.server.request.body.size` and `http.server.response.body.size` (bytes) and the attributes of the
    /// same meaning on spans. Real bytes, of streams too, as this layer sees them: inside of a compression layer
    /// before, outside after compression. Request bytes are those the service has read. Costs two histogram
    /// measurements and one allocation for a request with a body. Default: off.
    pub fn with_body_sizes(self) -> Self {
        self.with(|options| options.body_sizes = true)
    }

    /// Logs one line at the end of each request: an INFO event of target `telemetry_axum::access` with method, route,
    /// status, duration in seconds, bytes and outcome; the ids come with it as with every log line. For services whose
    /// operators work with logs. Default: off. Switch it at run time by the log filter.
    pub fn with_access_log(self) -> Self {
        self.with(|options| options.access_log = true)
    }

    /// Options are set while a service is built, so copying them costs nothing that counts.
    pub(crate) fn with(self, set: impl FnOnce(&mut Options)) -> Self {
        let mut options = self.shared.options.clone();
        set(&mut options);
        Self {
            shared: Arc::new(Shared::new(options)),
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
        TelemetryService::new(inner, self.shared.clone())
    }
}
