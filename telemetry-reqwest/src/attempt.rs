//! One attempt of a request: its client span, duration and counts, which end exactly once.

pub(crate) mod body;
mod head;
mod start;

use std::{future::Future, future::poll_fn, pin::Pin, sync::Arc, time::Instant};

use http::Extensions;
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanRef, Status, TraceContextExt},
};
use reqwest::{Request, Response};
use telemetry_api::instrument::duration::ActiveGuard;
use telemetry_semconv::{
    http as semconv_http,
    http::attribute::{ERROR_TYPE, HTTP_REQUEST_BODY_SIZE, HTTP_RESPONSE_BODY_SIZE},
};

use crate::{
    error_type::HttpErrorType,
    metrics::{
        HttpClientInstruments, active_requests::ActiveRequestLabels, labels::AttemptLabels,
        server_address::ServerAddress,
    },
    options::Options,
    outcome,
    request_extension::UrlTemplate,
};
use head::ResponseHead;

/// Ends exactly once, at the latest when it is dropped. The call owns it first. If the span ends with the response's
/// body, the body owns it then.
#[derive(Debug)]
pub(crate) struct Attempt {
    instruments: Arc<HttpClientInstruments>,
    cx: Context,
    started: Instant,
    address: ServerAddress,
    method: &'static str,
    template: Option<&'static str>,
    head: Option<ResponseHead>,
    /// Boxed, because an attempt is moved several times and the option is seldom on.
    sizes: Option<Box<BodySizes>>,
    /// True if there was no span around the call.
    is_orphan: bool,
    /// True if context was sent to a host of the allow-list, so that no other host must get it.
    pub(crate) listed: bool,
    recorded: bool,
    /// True if polls make the context current. A span that is not recorded, below a parent that is not recorded either,
    /// tells the code inside the attempt nothing that the parent does not.
    attach: bool,
    /// True during a poll. If it is true when the attempt is dropped, code inside the attempt panicked.
    in_poll: bool,
    ended: bool,
    _active: Option<ActiveGuard>,
}

/// Sizes in bytes, as far as they are known.
#[derive(Clone, Copy, Debug)]
struct BodySizes {
    /// True if the metrics of body sizes are on. Else the sizes are for the span only.
    measured: bool,
    request: Option<u64>,
    response: Option<u64>,
}

/// The end of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AttemptEnd {
    /// The response arrived, and its body too if the span covers it.
    Completed,
    /// The response or a part of it did not arrive, with this `error.type`.
    Failed(&'static str),
    Cancelled,
    BodyDropped,
    Panicked,
}

impl Attempt {
    /// Starts an attempt below the current span. Returns `None` where telemetry is suppressed.
    pub(crate) fn start(
        instruments: &Arc<HttpClientInstruments>,
        options: &Options,
        request: &Request,
        extensions: &Extensions,
        resends: u32,
    ) -> Option<Self> {
        let methods = options.methods.get(options.providers.as_ref());
        let method = methods.known(request.method());
        let template = extensions
            .get::<UrlTemplate>()
            .map(|UrlTemplate(template)| *template);
        let address = instruments.addresses.of(request.url());
        let name = || semconv_http::span_name(method, template);
        let attributes =
            || start::attributes(request, method, template, &address, options, resends);
        let span = start::SpanStart::below_current(instruments, name, attributes)?;
        let active = options.active_requests.then(|| {
            instruments.active_request(&ActiveRequestLabels {
                address: address.clone(),
                method,
                template,
            })
        });
        let sizes = options.body_sizes.then(|| {
            Box::new(BodySizes {
                measured: true,
                request: start::request_size(request),
                response: None,
            })
        });
        Some(Self {
            instruments: instruments.clone(),
            cx: span.cx,
            started: Instant::now(),
            address,
            method,
            template,
            head: None,
            sizes,
            is_orphan: span.is_orphan,
            listed: false,
            recorded: span.recorded,
            attach: span.attach,
            // The attempt starts inside a poll, which may panic before it polls the request.
            in_poll: true,
            ended: false,
            _active: active,
        })
    }

    /// True if there was no span around the call.
    pub(crate) fn is_orphan(&self) -> bool {
        self.is_orphan
    }

    /// The context with the client span, which is sent to the next service.
    pub(crate) fn context(&self) -> &Context {
        &self.cx
    }

    /// Runs a future in the context of the attempt. An `async fn` would copy the output once more.
    pub(crate) fn run<F: Future + Unpin>(
        &mut self,
        mut future: F,
    ) -> impl Future<Output = F::Output> {
        poll_fn(move |cx| self.poll(|| Pin::new(&mut future).poll(cx)))
    }

    fn poll<T>(&mut self, poll: impl FnOnce() -> T) -> T {
        let _attached = self.attach.then(|| self.cx.clone().attach());
        self.watch(poll)
    }

    /// Runs one poll, and notices if it panics.
    pub(crate) fn watch<T>(&mut self, poll: impl FnOnce() -> T) -> T {
        self.in_poll = true;
        let polled = poll();
        self.in_poll = false;
        polled
    }

    /// Records the head of the response.
    pub(crate) fn head(&mut self, response: &Response) {
        let head = ResponseHead::of(response);
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

    /// Ends the attempt: the response arrived, and its body too if the span covers it.
    pub(crate) fn completed(&mut self) {
        self.end(AttemptEnd::Completed);
    }

    /// Ends the attempt: the response or a part of it did not arrive.
    pub(crate) fn failed(&mut self, error_type: &'static str) {
        self.end(AttemptEnd::Failed(error_type));
    }

    /// Sets the number of bytes that were read from the response's body.
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

    fn end(&mut self, end: AttemptEnd) {
        if self.ended {
            return;
        }
        self.ended = true;
        let status = self.head.map(|head| head.status);
        let error = match (end, status) {
            (_, Some(status)) if semconv_http::is_client_error(status) => {
                HttpErrorType::Status(status)
            }
            (AttemptEnd::Failed(word), _) => HttpErrorType::Word(word),
            (AttemptEnd::Panicked, _) => HttpErrorType::Word("panic"),
            _ => HttpErrorType::None,
        };
        let span = self.cx.span();
        if self.recorded {
            self.describe(&span, end, error);
        }
        self.measure(&span, status, error);
        // A span that is not recorded may be that of the caller, which must not end here.
        if self.recorded {
            span.end();
        }
    }

    /// Records the metrics.
    fn measure(&self, span: &SpanRef<'_>, status: Option<u16>, error: HttpErrorType) {
        let labels = AttemptLabels {
            method: self.method,
            template: self.template,
            version: self.head.map(|head| head.version),
            status,
            error,
        };
        let seconds = self.started.elapsed().as_secs_f64();
        let (address, instruments) = (&self.address, &self.instruments);
        instruments.record_duration(address, &labels, seconds, span.span_context());
        if let Some(sizes) = &self.sizes
            && sizes.measured
        {
            instruments.record_body_sizes(address, &labels, sizes.request, sizes.response);
        }
    }

    /// Sets the attributes and the status that are known at the end. Each is set by itself: a successful attempt has
    /// none of them, and pays for no list.
    fn describe(&self, span: &SpanRef<'_>, end: AttemptEnd, error: HttpErrorType) {
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
            // No description: the status code or `error.type` is enough, and a message could contain the URL.
            span.set_status(Status::error(""));
        }
        if let Some(outcome) = end.outcome() {
            span.set_attribute(outcome::attribute(outcome));
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        // By the semantic conventions a call that its caller drops has no error. The outcome tells it apart.
        self.end(if self.in_poll {
            AttemptEnd::Panicked
        } else if self.head.is_some() {
            AttemptEnd::BodyDropped
        } else {
            AttemptEnd::Cancelled
        });
    }
}

impl AttemptEnd {
    /// `telemetry.outcome`. `None` if there was a response or an error.
    fn outcome(self) -> Option<&'static str> {
        match self {
            Self::Completed | Self::Failed(_) => None,
            Self::Cancelled => Some(outcome::CANCELLED),
            Self::BodyDropped => Some(outcome::BODY_DROPPED),
            Self::Panicked => Some(outcome::PANICKED),
        }
    }
}
