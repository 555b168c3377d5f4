//! The trace's identity in response headers, for callers that want to look it up.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::trace::SpanContext;

const TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// `traceresponse: 00-{trace}-{span}-{flags}`, W3C Trace Context level 2.
pub(crate) fn traceresponse(span: &SpanContext, headers: &mut HeaderMap) {
    if let Some(value) = identity(span).and_then(|id| HeaderValue::try_from(id).ok()) {
        headers.insert(TRACERESPONSE, value);
    }
}

/// `server-timing: traceparent;desc="..."`, what browsers show to scripts; beside the timings of the service.
pub(crate) fn server_timing(span: &SpanContext, headers: &mut HeaderMap) {
    let value = identity(span).map(|id| format!("traceparent;desc=\"{id}\""));
    if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
        headers.append(SERVER_TIMING, value);
    }
}

fn identity(span: &SpanContext) -> Option<String> {
    span.is_valid().then(|| {
        format!(
            "00-{}-{}-{:02x}",
            span.trace_id(),
            span.span_id(),
            span.trace_flags().to_u8()
        )
    })
}
