//! What a layer was told to do.

use std::{fmt, net::SocketAddr, sync::Arc};

use axum::extract::{ConnectInfo, MatchedPath};
use http::{Extensions, HeaderName, Request};
use telemetry_api::instrument::{Providers, providers::Lazy};
use telemetry_semconv::http::{Authority, KnownMethods};

use crate::{
    attributes, correlation,
    headers::Capture,
    known_servers::KnownServers,
    metrics::{ServerInstruments, scheme},
    network::Network,
    origin::ProxyHeaders,
};

/// Asked all day by machines and telling nobody anything.
pub(crate) const UNTRACED: [&str; 3] = ["/livez", "/metrics", "/readyz"];

/// What all services of a layer share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) instruments: Lazy<ServerInstruments>,
    pub(crate) grpc_instruments: Lazy<crate::grpc::Instruments>,
}

impl Shared {
    pub(crate) fn new(options: Options) -> Self {
        let instruments = Lazy::new(options.providers.clone(), ServerInstruments::new);
        let grpc_instruments = Lazy::new(options.providers.clone(), crate::grpc::Instruments::new);
        Self {
            options,
            instruments,
            grpc_instruments,
        }
    }
}

/// A path or route template that is left alone.
#[derive(Clone, Debug)]
pub(crate) struct Excluded {
    text: Box<str>,
    prefix: bool,
    template: bool,
}

impl Excluded {
    pub(crate) fn new(pattern: &str) -> Self {
        let text = pattern.strip_suffix('*');
        Self {
            prefix: text.is_some(),
            template: pattern.contains('{'),
            text: text.unwrap_or(pattern).into(),
        }
    }

    /// Whether it may match a path that ends like this, which is cheaper to say than what the whole path is.
    fn may_match(&self, end: &str) -> bool {
        // What is left of a prefix alone is a slash that the path does not have.
        self.prefix || end.len() <= 1 || self.text.ends_with(end)
    }

    fn matches(&self, target: &str) -> bool {
        if self.prefix {
            target.starts_with(&*self.text)
        } else {
            *target == *self.text
        }
    }
}

type PeerAddress = Arc<dyn Fn(&Extensions) -> Option<SocketAddr> + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) providers: Option<Providers>,
    pub(crate) methods: KnownMethods,
    pub(crate) excluded: Vec<Excluded>,
    pub(crate) public: bool,
    pub(crate) proxies: Vec<Network>,
    pub(crate) proxy_headers: ProxyHeaders,
    pub(crate) peer: Option<PeerAddress>,
    /// What all requests came over, if the service knows.
    pub(crate) https: Option<bool>,
    pub(crate) client_port: bool,
    pub(crate) network_transport: bool,
    pub(crate) request_headers: Capture,
    pub(crate) response_headers: Capture,
    pub(crate) redacted_headers: Vec<HeaderName>,
    pub(crate) redacted_query_keys: Vec<Box<str>>,
    pub(crate) correlation: Vec<HeaderName>,
    pub(crate) traceresponse: bool,
    pub(crate) server_timing: bool,
    pub(crate) known_servers: KnownServers,
    pub(crate) body_sizes: bool,
    pub(crate) access_log: bool,
    pub(crate) grpc: Option<crate::grpc::Methods>,
}

impl Options {
    pub(crate) fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            providers: None,
            methods: KnownMethods::from_environment(lookup),
            excluded: UNTRACED.map(Excluded::new).into(),
            public: false,
            proxies: Vec::new(),
            proxy_headers: ProxyHeaders::default(),
            peer: None,
            https: None,
            client_port: false,
            network_transport: false,
            request_headers: Capture::default(),
            response_headers: Capture::default(),
            redacted_headers: Vec::new(),
            redacted_query_keys: Vec::new(),
            correlation: correlation::HEADERS.into(),
            traceresponse: false,
            server_timing: false,
            known_servers: KnownServers::default(),
            body_sizes: false,
            access_log: false,
            grpc: None,
        }
    }

    /// Whether the request is left alone, by its path or the route it matched.
    pub(crate) fn excludes<B>(&self, request: &Request<B>) -> bool {
        let end = request.uri().path();
        let route = || request.extensions().get::<MatchedPath>();
        self.excluded.iter().any(|excluded| {
            excluded.may_match(end) && excluded.matches(attributes::uri(request).path())
                // Only a template can differ from its path.
                || excluded.template && route().is_some_and(|route| excluded.matches(route.as_str()))
        })
    }

    /// The server that was asked for, if it is one that metrics tell apart.
    pub(crate) fn known_server<'a>(
        &self,
        host: impl FnOnce() -> Option<&'a str>,
        https: bool,
    ) -> Option<Authority<'static>> {
        if self.known_servers.is_empty() {
            return None;
        }
        self.known_servers.find(host()?, scheme(https))
    }

    /// Whether the bytes of request bodies are worth wrapping them.
    pub(crate) fn counts_request_bytes(&self) -> bool {
        self.body_sizes || self.access_log
    }

    /// The other end of the socket.
    pub(crate) fn peer_address(&self, extensions: &Extensions) -> Option<SocketAddr> {
        match &self.peer {
            Some(peer) => peer(extensions),
            None => extensions
                .get::<ConnectInfo<SocketAddr>>()
                .map(|ConnectInfo(peer)| *peer),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("public", &self.public)
            .field("excluded", &self.excluded)
            .finish_non_exhaustive()
    }
}
