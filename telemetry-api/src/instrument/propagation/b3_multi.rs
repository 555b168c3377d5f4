//! Zipkin's several headers, `x-b3-*`.

use http::{HeaderMap, HeaderValue};
use opentelemetry::Context;

use super::{PresentHeaders, Received, zipkin};

pub(super) const NAME: &str = "b3multi";
pub(super) const FIELDS: &[&str] = &["x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags"];
pub(super) const PREFIXES: &[&str] = &[];

pub(super) fn receive(received: Received, headers: &HeaderMap, _: PresentHeaders) -> Received {
    zipkin::receive(received, headers)
}

pub(super) fn inject(cx: &Context, headers: &mut HeaderMap, _: PresentHeaders) {
    let Some((trace_id, span_id, sampling)) = zipkin::current(cx) else {
        return;
    };
    for (name, id) in [
        (zipkin::TRACE_ID, trace_id.to_string()),
        (zipkin::SPAN_ID, span_id.to_string()),
    ] {
        if let Ok(value) = HeaderValue::try_from(id) {
            let _ = headers.try_insert(name, value);
        }
    }
    // The debug flag implies sampling and is sent instead of it.
    let (name, value, instead_of) = match sampling {
        zipkin::Sampling::Debug => (zipkin::FLAGS, "1", zipkin::SAMPLED),
        zipkin::Sampling::Accept => (zipkin::SAMPLED, "1", zipkin::FLAGS),
        zipkin::Sampling::Deny => (zipkin::SAMPLED, "0", zipkin::FLAGS),
    };
    headers.remove(instead_of);
    let _ = headers.try_insert(name, HeaderValue::from_static(value));
}
