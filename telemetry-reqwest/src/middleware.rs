//! The middleware: span, headers, response.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::atomic::{AtomicBool, Ordering},
};

use http::Extensions;
use opentelemetry::Context;
use reqwest::{Client, ClientBuilder, Request, Response, Url};
use reqwest_middleware::{Middleware, Next, Result};
use telemetry_api::instrument::{Providers, providers::Lazy};
use telemetry_semconv::http::KnownMethods;

use crate::{
    attempt::Attempt,
    body, carry, error_type,
    hosts::Hosts,
    metrics::ClientInstruments,
    options::{Options, SpanEnd},
};

/// Instruments every attempt of a request: client span, duration, context in its headers.
///
/// The providers are those that `bootstrap` installed, looked up at the first request; pass others with
/// [`with_providers`](Self::with_providers). Without any, requests pass as they are, with the correlation id.
///
/// Cost: 3.0k instructions and 3 allocations an unsampled attempt, 6.1k and 8 a sampled one (`examples/reqwest_cost.rs`).
#[derive(Debug)]
#[must_use]
pub struct TelemetryMiddleware {
    instruments: Lazy<ClientInstruments>,
    options: Options,
    /// The first request without a span has been reported.
    reported: AtomicBool,
    /// The first redirect to a host that is not allowed has been reported.
    redirect_reported: AtomicBool,
}

impl TelemetryMiddleware {
    /// The defaults, and what the environment says: `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`.
    pub fn new() -> Self {
        Self::from_environment(|name| std::env::var(name).ok())
    }

    /// [`new`](Self::new) with another source of the environment's variables, for tests.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            instruments: Lazy::new(None, ClientInstruments::new),
            options: Options {
                methods: KnownMethods::from_environment(lookup),
                ..Options::default()
            },
            reported: AtomicBool::new(false),
            redirect_reported: AtomicBool::new(false),
        }
    }

    /// Uses these providers instead of the installed ones.
    pub fn with_providers(mut self, providers: Providers) -> Self {
        self.instruments = Lazy::new(Some(providers), ClientInstruments::new);
        self
    }

    /// Sends trace context, baggage and correlation id to these hosts only. Default: to every host.
    ///
    /// The [`Principal`](telemetry_api::Principal) is sent only when hosts are given here, and to them.
    ///
    /// It holds for the first host of a request: the redirects that reqwest follows by itself take the headers anywhere
    /// unless the client has [`Hosts::redirect_policy`], as that of [`client_with`](crate::client_with) does. The first
    /// response from elsewhere is told of at `WARN`, once a middleware.
    pub fn with_propagation_to(mut self, hosts: Hosts) -> Self {
        self.options.propagate_to = Some(hosts);
        self
    }

    /// The methods that are known, instead of the convention's nine: every other one is `_OTHER`. Overrides the
    /// environment. For services that speak more than HTTP, such as WebDAV or `QUERY`.
    pub fn with_known_methods(mut self, names: impl IntoIterator<Item = &'static str>) -> Self {
        self.options.methods = KnownMethods::exactly(names);
        self
    }

    /// Puts `user_agent.original` on the span, if the request sets the header itself: what the client adds by default is
    /// not seen by a middleware. Default: off, as in the convention.
    ///
    /// Cost: one look-up and one string a sampled request.
    pub fn with_user_agent(mut self) -> Self {
        self.options.user_agent = true;
        self
    }

    /// Redacts the values of these query keys in `url.full`, too. Case matters. Default: the convention's list,
    /// `X-Amz-Signature`, `X-Amz-Credential`, `X-Amz-Security-Token`, `sig` and `X-Goog-Signature`.
    pub fn with_redacted_query_keys<K: Into<Box<str>>>(
        mut self,
        keys: impl IntoIterator<Item = K>,
    ) -> Self {
        self.options.redacted = keys.into_iter().map(Into::into).collect();
        self
    }

    /// When the span ends and its duration is measured. Default: [`SpanEnd::Head`].
    pub fn with_span_end(mut self, end: SpanEnd) -> Self {
        self.options.span_end = end;
        self
    }

    /// Counts the requests under way in `http.client.active_requests`. Default: off, as in the convention.
    ///
    /// Cost: one more look-up and two atomic additions a request.
    pub fn with_active_requests(mut self) -> Self {
        self.options.active_requests = true;
        self
    }

    /// Measures bodies in `http.client.request.body.size` and `http.client.response.body.size` (bytes), and puts both
    /// on the span. Default: off, as in the convention.
    ///
    /// A response's size is counted where the span ends with the body, otherwise it is the length its head announces;
    /// what is unknown is not recorded. Of a compressed body that reqwest decodes, the decoded bytes are counted.
    ///
    /// Cost: one more look-up and two measurements a request.
    pub fn with_body_sizes(mut self) -> Self {
        self.options.body_sizes = true;
        self
    }

    /// The plain client's builder, with the redirect policy of the hosts that context may be sent to, if there are any.
    pub(crate) fn guard(&self, builder: ClientBuilder) -> ClientBuilder {
        match &self.options.propagate_to {
            Some(hosts) => builder.redirect(hosts.redirect_policy()),
            None => builder,
        }
    }

    /// Sends a request with a plain client, instrumented as one attempt, for code without reqwest-middleware.
    ///
    /// The extensions carry [`UrlTemplate`](crate::UrlTemplate) and [`NoPropagation`](crate::NoPropagation), and count
    /// the resends: keep them while resending one request, and take fresh ones for another.
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
    /// The client's, untouched.
    pub async fn execute(
        &self,
        client: &Client,
        mut request: Request,
        extensions: &mut Extensions,
    ) -> reqwest::Result<Response> {
        let Some(mut attempt) = self.begin(&mut request, extensions) else {
            return client.execute(request).await;
        };
        let mut resend = Resend::of(extensions);
        let result = attempt.run(pin!(client.execute(request))).await;
        resend.after(result.as_ref().ok());
        match &result {
            Ok(response) => self.head(&mut attempt, response),
            Err(error) => attempt.failed(error_type::of_reqwest(error)),
        }
        if self.options.span_end == SpanEnd::Body {
            return result.map(|response| body::observe(response, attempt));
        }
        attempt.completed();
        result
    }

    /// Starts the attempt and writes the headers; `None` if there is nothing to measure with.
    fn begin(&self, request: &mut Request, extensions: &Extensions) -> Option<Attempt> {
        let propagates = !carry::opted_out(extensions)
            && self
                .options
                .propagate_to
                .as_ref()
                .is_none_or(|hosts| hosts.allows_url(request.url()));
        let Some(instruments) = self.instruments.get() else {
            if propagates {
                Context::map_current(|cx| carry::inject(cx, None, false, request.headers_mut()));
            }
            return None;
        };
        let resends = extensions
            .get::<Attempts>()
            .map_or(0, |attempts| attempts.0);
        // Changed where it is: to unwrap it would copy it.
        let mut begun = Attempt::start(instruments, &self.options, request, extensions, resends);
        let attempt = begun.as_mut()?;
        if attempt.is_orphan() {
            self.report_orphan();
        }
        if propagates {
            let listed = self.options.propagate_to.is_some();
            attempt.listed = listed;
            carry::inject(
                attempt.context(),
                Some(&instruments.propagation),
                listed,
                request.headers_mut(),
            );
        }
        begun
    }

    /// The response's head is there, of whatever host the client was redirected to.
    fn head(&self, attempt: &mut Attempt, response: &Response) {
        attempt.head(response);
        if attempt.listed
            && let Some(hosts) = &self.options.propagate_to
            && !hosts.allows_url(response.url())
            && response.url().host_str() != Some(NO_URL)
            && !self.redirect_reported.swap(true, Ordering::Relaxed)
        {
            report_redirect(response.url());
        }
    }

    fn report_orphan(&self) {
        if !self.reported.load(Ordering::Relaxed) && !self.reported.swap(true, Ordering::Relaxed) {
            report_orphan();
        }
    }
}

/// What reqwest makes of a response that came without a URL, such as one out of a cache.
const NO_URL: &str = "no.url.provided.local";

/// What was sent cannot be taken back, but the next one need not be.
#[cold]
fn report_redirect(url: &Url) {
    tracing::warn!(
        target: "telemetry",
        host = url.host_str().unwrap_or_default(),
        "a call was redirected to a host outside of with_propagation_to, and reqwest sent trace context, baggage and \
         correlation id on to it; build the client with telemetry_reqwest::client_with or Hosts::redirect_policy \
         (reported once)"
    );
}

/// A background job may well mean to start a trace; a task that lost its context does not, and this is how to notice.
#[cold]
pub(crate) fn report_orphan() {
    tracing::debug!(
        target: "telemetry",
        "a call was made outside of any span and starts a trace of its own; if it belongs to a request, spawn its \
         task with telemetry_api::task::InCurrentContext (reported once)"
    );
}

impl Default for TelemetryMiddleware {
    fn default() -> Self {
        Self::new()
    }
}

impl Middleware for TelemetryMiddleware {
    // Written out, because the macro's copy of the request into the future doubles the future's size.
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
            let Some(mut attempt) = self.begin(&mut request, extensions) else {
                return next.run(request, extensions).await;
            };
            let mut resend = Resend::of(extensions);
            let result = attempt.run(next.run(request, resend.extensions)).await;
            resend.after(result.as_ref().ok());
            match &result {
                Ok(response) => self.head(&mut attempt, response),
                Err(error) => attempt.failed(error_type::of_middleware(error)),
            }
            if self.options.span_end == SpanEnd::Body {
                return result.map(|response| body::observe(response, attempt));
            }
            attempt.completed();
            result
        })
    }
}

/// The number of attempts before this one, in the extensions that a retry middleware hands on each time.
#[derive(Clone, Copy)]
struct Attempts(u32);

/// Counts an attempt when it is over, on whatever way out it takes, unless it succeeded: then there is nothing to resend,
/// and the usual call need not pay for an entry in its extensions.
struct Resend<'a> {
    extensions: &'a mut Extensions,
    succeeded: bool,
}

impl<'a> Resend<'a> {
    fn of(extensions: &'a mut Extensions) -> Self {
        Self {
            extensions,
            succeeded: false,
        }
    }

    fn after(&mut self, response: Option<&Response>) {
        self.succeeded = response.is_some_and(|response| response.status().is_success());
    }
}

impl Drop for Resend<'_> {
    fn drop(&mut self) {
        match self.extensions.get_mut::<Attempts>() {
            Some(Attempts(before)) => *before = before.saturating_add(1),
            None if self.succeeded => {}
            None => {
                self.extensions.insert(Attempts(1));
            }
        }
    }
}
