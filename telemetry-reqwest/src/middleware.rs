//! The middleware: it starts an attempt, writes the headers, and ends the attempt.

mod redirect;
mod resend;

use std::{
    future::Future,
    pin::{Pin, pin},
};

use http::Extensions;
use opentelemetry::Context;
use reqwest::{Client, ClientBuilder, Request, Response};
use reqwest_middleware::{Middleware, Next, Result};
use telemetry_api::instrument::{
    Providers,
    providers::{Lazy, LazySetting},
    settings::HTTP_KNOWN_METHODS,
};
use telemetry_semconv::http::KnownMethods;

use crate::{
    attempt::{Attempt, body::end_with_body},
    error_type,
    hosts::Hosts,
    metrics::HttpClientInstruments,
    options::{Options, SpanEnd},
    orphan::OrphanLog,
    outgoing,
};
use redirect::RedirectLog;
use resend::{AttemptCount, resends};

/// Instruments each attempt of a request with a client span and a duration, and writes the context into its headers.
///
/// It uses the providers that `bootstrap` installed, looked up at the first request, or those of
/// [`with_providers`](Self::with_providers). While there are none, requests pass with the correlation id only.
///
/// Cost: 3.0k instructions and 3 allocations for an unsampled attempt, 6.1k and 8 for a sampled one
/// (`examples/reqwest_cost.rs`).
#[derive(Debug)]
#[must_use]
pub struct TelemetryMiddleware {
    instruments: Lazy<HttpClientInstruments>,
    options: Options,
    orphans: OrphanLog,
    redirects: RedirectLog,
}

impl TelemetryMiddleware {
    /// A middleware with the default options. With its first request it reads
    /// `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`.
    pub fn new() -> Self {
        Self::knowing(LazySetting::new(&HTTP_KNOWN_METHODS))
    }

    /// [`new`](Self::new) with another source of environment variables, for tests.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let methods = HTTP_KNOWN_METHODS.read_from(lookup);
        Self::knowing(LazySetting::of(&HTTP_KNOWN_METHODS, methods))
    }

    fn knowing(methods: LazySetting<KnownMethods>) -> Self {
        Self {
            instruments: Lazy::new(None, HttpClientInstruments::new),
            options: Options::new(methods),
            orphans: OrphanLog::default(),
            redirects: RedirectLog::default(),
        }
    }

    /// Records through these providers. Default: the installed ones.
    pub fn with_providers(mut self, providers: Providers) -> Self {
        self.options.providers = Some(providers.clone());
        self.instruments = Lazy::new(Some(providers), HttpClientInstruments::new);
        self
    }

    /// Sends trace context, baggage and correlation id to these hosts only. Default: to every host.
    ///
    /// The [`Principal`](telemetry_api::Principal) is sent only to hosts of this list. Without a list it is not sent.
    ///
    /// The list decides by the first URL of a request. reqwest takes the headers to any host that it is redirected to,
    /// unless the client has [`Hosts::redirect_policy`]; [`client_with`](crate::client_with) sets it. The first response
    /// of a host that is not listed is logged at `WARN`, once per middleware.
    pub fn with_propagation_to(mut self, hosts: Hosts) -> Self {
        self.options.propagate_to = Some(hosts);
        self
    }

    /// The known methods; every other method is `_OTHER`. Default: the nine of the semantic conventions, or
    /// `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`, which this overrides. For WebDAV, `QUERY` and the like.
    pub fn with_known_methods(mut self, names: impl IntoIterator<Item = &'static str>) -> Self {
        self.options.methods.set(KnownMethods::exactly(names));
        self
    }

    /// Puts `user_agent.original` on the span, if the request sets the header itself. A middleware does not see the
    /// header that the client adds by default. Default: off, as in the semantic conventions.
    ///
    /// Cost: one look-up and one allocation per sampled request.
    pub fn with_user_agent(mut self) -> Self {
        self.options.user_agent = true;
        self
    }

    /// Redacts the values of these query keys in `url.full`, in addition to the list of the semantic conventions:
    /// `X-Amz-Signature`, `X-Amz-Credential`, `X-Amz-Security-Token`, `sig` and `X-Goog-Signature`. Case matters.
    pub fn with_redacted_query_keys<K: Into<Box<str>>>(
        mut self,
        keys: impl IntoIterator<Item = K>,
    ) -> Self {
        self.options.redacted = keys.into_iter().map(Into::into).collect();
        self
    }

    /// The moment when the span ends and its duration is measured. Default: [`SpanEnd::Head`].
    pub fn with_span_end(mut self, end: SpanEnd) -> Self {
        self.options.span_end = end;
        self
    }

    /// Counts the requests under way in `http.client.active_requests`. Default: off, as in the semantic conventions.
    ///
    /// Cost: one look-up and two atomic additions per request.
    pub fn with_active_requests(mut self) -> Self {
        self.options.active_requests = true;
        self
    }

    /// Measures bodies in `http.client.request.body.size` and `http.client.response.body.size` (bytes), and puts both
    /// on the span. Default: off, as in the semantic conventions.
    ///
    /// With [`SpanEnd::Body`] the bytes of a response are counted. With [`SpanEnd::Head`] its size is the length that
    /// the head announces. An unknown size is not recorded. If reqwest decompresses a body, the decompressed bytes are
    /// counted.
    ///
    /// Cost: one look-up and two measurements per request.
    pub fn with_body_sizes(mut self) -> Self {
        self.options.body_sizes = true;
        self
    }

    /// Sets the redirect policy of the allow-list on the builder of a client, if there is a list.
    pub(crate) fn guard(&self, builder: ClientBuilder) -> ClientBuilder {
        match &self.options.propagate_to {
            Some(hosts) => builder.redirect(hosts.redirect_policy()),
            None => builder,
        }
    }

    /// Sends a request with a plain client as one attempt, for code without reqwest-middleware.
    ///
    /// The extensions carry [`UrlTemplate`](crate::UrlTemplate) and [`NoPropagation`](crate::NoPropagation), and count
    /// the attempts. Pass the same extensions to each attempt of a request, and new ones with another request.
    ///
    /// ```
    /// # async fn example() -> reqwest::Result<()> {
    /// let telemetry = telemetry_reqwest::TelemetryMiddleware::new();
    /// let client = reqwest::Client::new();
    ///
    /// let request = client.get("http://inventory:8080/stock/4711").build()?;
    /// let response = telemetry.execute(&client, request, &mut Default::default()).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the client, unchanged.
    pub async fn execute(
        &self,
        client: &Client,
        mut request: Request,
        extensions: &mut Extensions,
    ) -> reqwest::Result<Response> {
        let Some(mut attempt) = self.start(&mut request, extensions) else {
            return client.execute(request).await;
        };
        let mut count = AttemptCount::new(extensions);
        let result = attempt.run(pin!(client.execute(request))).await;
        count.after(result.as_ref().ok());
        match &result {
            Ok(response) => self.head(&mut attempt, response),
            Err(error) => attempt.failed(error_type::of_reqwest(error)),
        }
        if self.options.span_end == SpanEnd::Body {
            return result.map(|response| end_with_body(response, attempt));
        }
        attempt.completed();
        result
    }

    /// Starts an attempt and writes the headers. Returns `None` while there are no providers, and where telemetry is
    /// suppressed.
    fn start(&self, request: &mut Request, extensions: &Extensions) -> Option<Attempt> {
        let propagates = !outgoing::opted_out(extensions)
            && self
                .options
                .propagate_to
                .as_ref()
                .is_none_or(|hosts| hosts.allows_url(request.url()));
        let Some(instruments) = self.instruments.get() else {
            if propagates {
                Context::map_current(|cx| outgoing::inject(cx, None, false, request.headers_mut()));
            }
            return None;
        };
        let resends = resends(extensions);
        // Changed inside the option, because unwrapping it would copy the attempt.
        let mut started = Attempt::start(instruments, &self.options, request, extensions, resends);
        let attempt = started.as_mut()?;
        if attempt.is_orphan() {
            self.orphans.log_once();
        }
        if propagates {
            let listed = self.options.propagate_to.is_some();
            attempt.listed = listed;
            outgoing::inject(
                attempt.context(),
                Some(&instruments.propagation),
                listed,
                request.headers_mut(),
            );
        }
        started
    }

    /// Records the head of the response, which is of the last host that the client was redirected to.
    fn head(&self, attempt: &mut Attempt, response: &Response) {
        attempt.head(response);
        if attempt.listed
            && let Some(hosts) = &self.options.propagate_to
            && !hosts.allows_url(response.url())
        {
            self.redirects.log_once(response.url());
        }
    }
}

impl Default for TelemetryMiddleware {
    fn default() -> Self {
        Self::new()
    }
}

impl Middleware for TelemetryMiddleware {
    // Written out, because `async_trait` copies the request into the future, which doubles its size.
    fn handle<'a, 'b, 'c, 'f>(
        &'a self,
        mut request: Request,
        extensions: &'b mut Extensions,
        next: Next<'c>,
    ) -> Pin<Box<dyn Future<Output = Result<Response>> + Send + 'f>>
    where
        'a: 'f,
        'b: 'f,
        'c: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let Some(mut attempt) = self.start(&mut request, extensions) else {
                return next.run(request, extensions).await;
            };
            let mut count = AttemptCount::new(extensions);
            let result = attempt.run(next.run(request, count.extensions)).await;
            count.after(result.as_ref().ok());
            match &result {
                Ok(response) => self.head(&mut attempt, response),
                Err(error) => attempt.failed(error_type::of_middleware(error)),
            }
            if self.options.span_end == SpanEnd::Body {
                return result.map(|response| end_with_body(response, attempt));
            }
            attempt.completed();
            result
        })
    }
}
