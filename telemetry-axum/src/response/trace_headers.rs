//! Response headers that tell the caller the ids of the trace.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::trace::SpanContext;

const TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Sets `traceresponse: 00-{trace}-{span}-{flags}` (W3C Trace Context level 2).
pub(crate) fn set_traceresponse(span: &SpanContext, headers: &mut HeaderMap) {
    if let Some(value) = traceparent(span).and_then(|id| HeaderValue::try_from(id).ok()) {
        headers.insert(TRACERESPONSE, value);
    }
}

/// Adds `server-timing: traceparent;desc="..."`, which browsers show to scripts. Timings that the service has set stay.
pub(crate) fn add_server_timing(span: &SpanContext, headers: &mut HeaderMap) {
    let value = traceparent(span).map(|id| format!("traceparent;desc=\"{id}\""));
    if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
        headers.append(SERVER_TIMING, value);
    }
}

fn traceparent(span: &SpanContext) -> Option<String> {
    span.is_valid().then(|| {
        format!(
            "00-{}-{}-{:02x}",
            span.trace_id(),
            span.span_id(),
            span.trace_flags().to_u8()
        )
    })
}
