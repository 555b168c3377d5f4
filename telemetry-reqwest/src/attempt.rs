//! One attempt: its client span, duration and counts, ended exactly once.

use std::{future::Future, future::poll_fn, net::SocketAddr, pin::Pin, sync::Arc, time::Instant};

use http::{Extensions, Version, header};
use http_body::Body as _;
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanKind, SpanRef, Status, TraceContextExt},
};
use reqwest::{Request, Response, Url};
use telemetry_api::instrument::{duration::ActiveGuard, tracer::is_recorded};
use telemetry_semconv::{
    http as semconv_http,
    http::attribute::{
        ERROR_TYPE, HTTP_REQUEST_BODY_SIZE, HTTP_REQUEST_METHOD, HTTP_REQUEST_METHOD_ORIGINAL,
        HTTP_REQUEST_RESEND_COUNT, HTTP_RESPONSE_BODY_SIZE, HTTP_RESPONSE_STATUS_CODE,
        NETWORK_PEER_ADDRESS, NETWORK_PEER_PORT, NETWORK_PROTOCOL_VERSION, URL_FULL, URL_TEMPLATE,
        USER_AGENT_ORIGINAL,
    },
};

use crate::{
    address::Address,
    error_type::ErrorType,
    extension::UrlTemplate,
    metrics::{ActiveKey, ClientInstruments, Labels},
    options::Options,
};

/// How an attempt ended, if not with a response or an error.
const OUTCOME: &str = "telemetry.outcome";

/// Owned by the call first and, if the span covers it, by the response's body then; whoever drops it ends it.
#[derive(Debug)]
pub(crate) struct Attempt {
    instruments: Arc<ClientInstruments>,
    cx: Context,
    started: Instant,
    address: Address,
    method: &'static str,
    template: Option<&'static str>,
    head: Option<Head>,
    /// Boxed, because few ask for them and an attempt is moved several times.
    sizes: Option<Box<BodySizes>>,
    orphan: bool,
    /// Context is sent, to a host of the allow-list and meant for no other.
    pub(crate) listed: bool,
    recorded: bool,
    /// Whether the context is made current. One that records nothing, below a span that does not either, tells those
    /// below nothing that the span does not.
    attach: bool,
    /// Still set when it is dropped if a poll did not return: something below panicked, whoever caught it.
    in_poll: bool,
    ended: bool,
    _active: Option<ActiveGuard>,
}

/// What the head of a response tells.
#[derive(Clone, Copy, Debug)]
struct Head {
    status: u16,
    version: Version,
}

/// In bytes, as far as they are known.
#[derive(Clone, Copy, Debug)]
struct BodySizes {
    measured: bool,
    request: Option<u64>,
    response: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Completed,
    Failed(&'static str),
    Cancelled,
    BodyDropped,
    Panicked,
}

impl Attempt {
    /// Starts it below the current span; `None` where telemetry is suppressed.
    pub(crate) fn start(
        instruments: &Arc<ClientInstruments>,
        options: &Options,
        request: &Request,
        extensions: &Extensions,
        resends: u32,
    ) -> Option<Self> {
        let method = options.methods.known(request.method());
        let template = extensions
            .get::<UrlTemplate>()
            .map(|UrlTemplate(template)| *template);
        let address = instruments.addresses.of(request.url());
        let (cx, orphan, recorded, attach) = Context::map_current(|parent| {
            if parent.is_telemetry_suppressed() {
                return None;
            }
            let cx = instruments.tracer.start(
                parent,
                semconv_http::span_name(method, template),
                SpanKind::Client,
                || at_start(request, method, template, &address, options, resends),
            );
            let above = parent.span();
            let orphan = !above.span_context().is_valid();
            let recorded = is_recorded(&cx.span());
            let attach = orphan || recorded || is_recorded(&above);
            Some((cx, orphan, recorded, attach))
        })?;
        let active = options.active_requests.then(|| {
            instruments.active(&ActiveKey {
                address: address.clone(),
                method,
                template,
            })
        });
        let sizes = options.body_sizes.then(|| {
            Box::new(BodySizes {
                measured: true,
                request: request_size(request),
                response: None,
            })
        });
        Some(Self {
            instruments: instruments.clone(),
            cx,
            started: Instant::now(),
            address,
            method,
            template,
            head: None,
            sizes,
            orphan,
            listed: false,
            recorded,
            attach,
            // It starts inside of a poll, which may not get to that of what is below.
            in_poll: true,
            ended: false,
            _active: active,
        })
    }

    /// Whether it was started outside of any span.
    pub(crate) fn is_orphan(&self) -> bool {
        self.orphan
    }

    /// The context with the client span, which is what travels to the next service.
    pub(crate) fn context(&self) -> &Context {
        &self.cx
    }

    /// Runs what is below in the context of the attempt. No `async fn`, which would copy the output once more.
    pub(crate) fn run<F: Future + Unpin>(
        &mut self,
        mut below: F,
    ) -> impl Future<Output = F::Output> {
        poll_fn(move |cx| self.poll(|| Pin::new(&mut below).poll(cx)))
    }

    fn poll<T>(&mut self, poll: impl FnOnce() -> T) -> T {
        let _attached = self.attach.then(|| self.cx.clone().attach());
        self.watch(poll)
    }

    /// Notices if a poll panics.
    pub(crate) fn watch<T>(&mut self, poll: impl FnOnce() -> T) -> T {
        self.in_poll = true;
        let polled = poll();
        self.in_poll = false;
        polled
    }

    /// The response's head is there.
    pub(crate) fn head(&mut self, response: &Response) {
        let head = Head {
            status: response.status().as_u16(),
            version: response.version(),
        };
        self.head = Some(head);
        if self.recorded {
            head.describe(&self.cx.span(), response.remote_addr());
        }
        if let Some(sizes) = &mut self.sizes
            && self.method != "HEAD"
        {
            sizes.response = response.content_length();
        }
    }

    /// The attempt is over, and what it was to deliver is there.
    pub(crate) fn completed(&mut self) {
        self.end(Outcome::Completed);
    }

    /// No response, or not all of it.
    pub(crate) fn failed(&mut self, error_type: &'static str) {
        self.end(Outcome::Failed(error_type));
    }

    /// So many bytes of the body were read, whether it ends here or not.
    pub(crate) fn read(&mut self, bytes: u64) {
        self.sizes
            .get_or_insert_with(|| {
                Box::new(BodySizes {
                    measured: false,
                    request: None,
                    response: None,
                })
            })
            .response = Some(bytes);
    }

    fn end(&mut self, outcome: Outcome) {
        if self.ended {
            return;
        }
        self.ended = true;
        let status = self.head.map(|head| head.status);
        let error = match (outcome, status) {
            (_, Some(status)) if semconv_http::is_client_error(status) => ErrorType::Status(status),
            (Outcome::Failed(kind), _) => ErrorType::Other(kind),
            (Outcome::Panicked, _) => ErrorType::Other("panic"),
            _ => ErrorType::None,
        };
        let span = self.cx.span();
        if self.recorded {
            self.describe(&span, outcome, error);
        }
        let labels = Labels {
            method: self.method,
            template: self.template,
            version: self.head.map(|head| head.version),
            status,
            error,
        };
        let seconds = self.started.elapsed().as_secs_f64();
        self.instruments
            .record_duration(&self.address, &labels, seconds, span.span_context());
        if let Some(BodySizes {
            measured: true,
            request,
            response,
        }) = self.sizes.as_deref().copied()
        {
            self.instruments
                .record_sizes(&self.address, &labels, request, response);
        }
        // Nobody is told of the end of one that records nothing, which may be that of the caller.
        if self.recorded {
            span.end();
        }
    }

    /// Tells the span how it ended. One by one, because few of these are there, and an iterator over all that may be is
    /// as large as they are.
    fn describe(&self, span: &SpanRef<'_>, outcome: Outcome, error: ErrorType) {
        if let Some(sizes) = &self.sizes {
            let size = |name, bytes: Option<u64>| {
                if let Some(bytes) = bytes {
                    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
                    span.set_attribute(KeyValue::new(name, bytes));
                }
            };
            size(HTTP_REQUEST_BODY_SIZE, sizes.request);
            size(HTTP_RESPONSE_BODY_SIZE, sizes.response);
        }
        if let Some(value) = error.value() {
            span.set_attribute(KeyValue::new(ERROR_TYPE, value));
            // The status code, or error.type, says it all, and a message could hold the URL: no description.
            span.set_status(Status::error(""));
        }
        if let Some(outcome) = outcome.as_str() {
            span.set_attribute(KeyValue::new(OUTCOME, outcome));
        }
    }
}

impl Head {
    fn describe(self, span: &SpanRef<'_>, peer: Option<SocketAddr>) {
        span.set_attributes([
            KeyValue::new(HTTP_RESPONSE_STATUS_CODE, i64::from(self.status)),
            KeyValue::new(
                NETWORK_PROTOCOL_VERSION,
                semconv_http::protocol_version(self.version),
            ),
        ]);
        if let Some(peer) = peer {
            let address = peer.ip().to_canonical().to_string();
            span.set_attribute(KeyValue::new(NETWORK_PEER_ADDRESS, address));
            span.set_attribute(KeyValue::new(NETWORK_PEER_PORT, i64::from(peer.port())));
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        // By the convention a call that its caller gave up has no error: only its outcome tells.
        self.end(if self.in_poll {
            Outcome::Panicked
        } else if self.head.is_some() {
            Outcome::BodyDropped
        } else {
            Outcome::Cancelled
        });
    }
}

impl Outcome {
    fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Completed | Self::Failed(_) => None,
            Self::Cancelled => Some("cancelled"),
            Self::BodyDropped => Some("body_dropped"),
            Self::Panicked => Some("panicked"),
        }
    }
}

/// The attributes known when the span starts, among them all that samplers may decide by.
fn at_start(
    request: &Request,
    method: &'static str,
    template: Option<&'static str>,
    address: &Address,
    options: &Options,
    resends: u32,
) -> Vec<KeyValue> {
    // Room for those set at the end, so that they do not move the vector.
    let mut attributes = Vec::with_capacity(12);
    attributes.push(KeyValue::new(HTTP_REQUEST_METHOD, method));
    if method == semconv_http::OTHER_METHOD {
        let original = request.method().as_str().to_owned();
        attributes.push(KeyValue::new(HTTP_REQUEST_METHOD_ORIGINAL, original));
    }
    let url = url_full(request.url(), &options.redacted);
    attributes.push(KeyValue::new(URL_FULL, url));
    attributes.extend(template.map(|template| KeyValue::new(URL_TEMPLATE, template)));
    address.push_to_span(request.url(), &mut attributes);
    if resends > 0 {
        attributes.push(KeyValue::new(HTTP_REQUEST_RESEND_COUNT, i64::from(resends)));
    }
    if options.user_agent
        && let Some(agent) = request.headers().get(header::USER_AGENT)
        && let Ok(agent) = agent.to_str()
    {
        attributes.push(KeyValue::new(USER_AGENT_ORIGINAL, agent.to_owned()));
    }
    attributes
}

/// The URL is parsed already, so it need not be searched for what it does not have.
fn url_full(url: &Url, redacted: &[Box<str>]) -> String {
    let secret = !url.username().is_empty()
        || url.password().is_some()
        || url.fragment().is_some()
        || url
            .query()
            .is_some_and(|query| semconv_http::has_secret(query, redacted));
    if secret {
        semconv_http::redact_url_with(url.as_str(), redacted).into_owned()
    } else {
        url.as_str().to_owned()
    }
}

fn request_size(request: &Request) -> Option<u64> {
    let Some(body) = request.body() else {
        return Some(0);
    };
    body.size_hint().exact().or_else(|| {
        let length = request.headers().get(header::CONTENT_LENGTH)?;
        length.to_str().ok()?.parse().ok()
    })
}
