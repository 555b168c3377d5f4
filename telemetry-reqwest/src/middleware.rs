//! The middleware: span, headers, response.

use async_trait::async_trait;
use http::{Extensions, HeaderName, HeaderValue};
use opentelemetry::{Context, trace::FutureExt as _};
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};
use telemetry_core::{CorrelationId, Providers, providers::Lazy};

use crate::{attempt::Attempt, metrics::ClientInstruments};

const CORRELATION_HEADER: HeaderName = HeaderName::from_static("x-correlation-id");

/// Instruments every attempt of a request.
///
/// The providers are those that `bootstrap` installed, looked up at the first request; pass others with
/// [`with_providers`](Self::with_providers). Without any, requests pass as they are, with the correlation id.
#[derive(Debug)]
#[must_use]
pub struct TelemetryMiddleware {
    instruments: Lazy<ClientInstruments>,
}

impl TelemetryMiddleware {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            instruments: Lazy::new(None, ClientInstruments::new),
        }
    }

    /// Uses these providers instead of the installed ones.
    pub fn with_providers(self, providers: Providers) -> Self {
        Self {
            instruments: Lazy::new(Some(providers), ClientInstruments::new),
        }
    }
}

impl Default for TelemetryMiddleware {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Middleware for TelemetryMiddleware {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let Some(instruments) = self.instruments.get() else {
            Context::map_current(|cx| correlate(cx, &mut request));
            return next.run(request, extensions).await;
        };
        let resends = count_attempt(extensions);
        let attempt = Attempt::start(instruments.clone(), &request, resends);
        let cx = attempt.context().clone();
        correlate(&cx, &mut request);
        instruments.propagation.inject(&cx, request.headers_mut());
        let result = next.run(request, extensions).with_context(cx).await;
        attempt.finish(&result);
        result
    }
}

/// The number of attempts before this one: a retry middleware hands on the same extensions each time.
fn count_attempt(extensions: &mut Extensions) -> u32 {
    #[derive(Clone, Copy)]
    struct Attempts(u32);

    let before = extensions
        .get::<Attempts>()
        .map_or(0, |attempts| attempts.0);
    extensions.insert(Attempts(before.saturating_add(1)));
    before
}

/// Tells the next service the id to quote. In a trace of its own, without a caller, that is the trace id.
fn correlate(cx: &Context, request: &mut Request) {
    if request.headers().contains_key(CORRELATION_HEADER) {
        return;
    }
    if let Some(Ok(id)) = CorrelationId::of(cx).map(|id| HeaderValue::from_str(id.as_str())) {
        request.headers_mut().insert(CORRELATION_HEADER, id);
    }
}
