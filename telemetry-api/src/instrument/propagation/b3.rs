//! Zipkin's single header, `b3`.

use http::{HeaderMap, HeaderValue};
use opentelemetry::Context;

use super::{PresentHeaders, Received, zipkin};

pub(super) const NAME: &str = "b3";
pub(super) const FIELDS: &[&str] = &["b3"];
pub(super) const PREFIXES: &[&str] = &[];

pub(super) fn receive(received: Received, headers: &HeaderMap, _: PresentHeaders) -> Received {
    zipkin::receive(received, headers)
}

pub(super) fn inject(cx: &Context, headers: &mut HeaderMap, _: PresentHeaders) {
    let Some((trace_id, span_id, sampling)) = zipkin::current(cx) else {
        return;
    };
    let sampling = sampling.as_str();
    if let Ok(value) = HeaderValue::try_from(format!("{trace_id}-{span_id}-{sampling}")) {
        // A map that is full drops it: a request must not fail because of its headers.
        let _ = headers.try_insert(zipkin::SINGLE, value);
    }
}
