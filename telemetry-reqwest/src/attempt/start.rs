//! The start of an attempt: the span, its attributes, and the size of the request.

use std::borrow::Cow;

use http::header;
use http_body::Body as _;
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanKind, TraceContextExt},
};
use reqwest::{Request, Url};
use telemetry_api::instrument::tracer::is_recorded;
use telemetry_semconv::{
    http as semconv_http,
    http::attribute::{
        HTTP_REQUEST_METHOD, HTTP_REQUEST_METHOD_ORIGINAL, HTTP_REQUEST_RESEND_COUNT, URL_FULL,
        URL_TEMPLATE, USER_AGENT_ORIGINAL,
    },
};

use crate::{
    metrics::{HttpClientInstruments, server_address::ServerAddress},
    options::Options,
};

/// The span of an attempt at its start.
pub(super) struct SpanStart {
    pub(super) cx: Context,
    pub(super) is_orphan: bool,
    pub(super) recorded: bool,
    pub(super) attach: bool,
}

impl SpanStart {
    /// Starts a client span below the current one. Returns `None` where telemetry is suppressed.
    #[inline]
    pub(super) fn below_current(
        instruments: &HttpClientInstruments,
        name: impl FnOnce() -> Cow<'static, str>,
        attributes: impl FnOnce() -> Vec<KeyValue>,
    ) -> Option<Self> {
        Context::map_current(|parent| {
            if parent.is_telemetry_suppressed() {
                return None;
            }
            let tracer = &instruments.tracer;
            let cx = tracer.start(parent, name(), SpanKind::Client, attributes);
            let above = parent.span();
            let is_orphan = !above.span_context().is_valid();
            let recorded = is_recorded(&cx.span());
            let attach = is_orphan || recorded || is_recorded(&above);
            Some(Self {
                cx,
                is_orphan,
                recorded,
                attach,
            })
        })
    }
}

/// The attributes that are known when the span starts. They include all that the semantic conventions want samplers to
/// see.
pub(super) fn attributes(
    request: &Request,
    method: &'static str,
    template: Option<&'static str>,
    address: &ServerAddress,
    options: &Options,
    resends: u32,
) -> Vec<KeyValue> {
    // Capacity for those set at the end.
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

/// `url.full`, redacted. The parsed URL tells cheaply that most URLs have nothing to redact.
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

/// The size of the request's body in bytes: of the body itself, or of its `Content-Length`.
pub(super) fn request_size(request: &Request) -> Option<u64> {
    let Some(body) = request.body() else {
        return Some(0);
    };
    body.size_hint().exact().or_else(|| {
        let length = request.headers().get(header::CONTENT_LENGTH)?;
        length.to_str().ok()?.parse().ok()
    })
}
