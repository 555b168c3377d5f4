//! AWS X-Ray's `x-amzn-trace-id`,
//! <https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt, TraceFlags, TraceId, TraceState},
};

use super::{PresentHeaders, Received, ids};
use crate::instrument::random;

pub(super) const NAME: &str = "xray";
pub(super) const FIELDS: &[&str] = &["x-amzn-trace-id"];
pub(super) const PREFIXES: &[&str] = &[];

const TRACE: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// AWS sends fewer. A stranger cannot make us read more.
const MAX_FIELDS: usize = 16;

pub(super) fn receive(received: Received, headers: &HeaderMap, _: PresentHeaders) -> Received {
    received.in_context().extended(|cx| extract(cx, headers))
}

fn extract(parent: &Context, headers: &HeaderMap) -> Option<Context> {
    let text = headers.get(TRACE)?.to_str().ok()?;
    let (mut root, mut span_id, mut sampled) = (None, None, true);
    for field in text.split(';').take(MAX_FIELDS) {
        match field.trim().split_once('=') {
            Some(("Root", id)) => root = Some(parse_root(id)?),
            Some(("Parent", id)) => span_id = Some(ids::span_id(id)?),
            // `?` leaves the decision to us, and a parent-based sampler would obey a "no".
            Some(("Sampled", decision)) => sampled = decision != "0",
            // Self, Lineage and fields of the future.
            _ => {}
        }
    }
    let flags = if sampled {
        TraceFlags::SAMPLED
    } else {
        TraceFlags::default()
    };
    // Samplers obey an unsampled parent, so there must be one. Nobody records spans below it, so nobody misses it.
    let span_id = span_id.or_else(|| (!sampled).then(random::span_id))?;
    let span = SpanContext::new(root?, span_id, flags, true, TraceState::default());
    Some(parent.with_remote_span_context(span))
}

pub(super) fn inject(cx: &Context, headers: &mut HeaderMap, _: PresentHeaders) {
    let span = cx.span();
    let span = span.span_context();
    if !span.is_valid() {
        return;
    }
    let trace_id = span.trace_id().to_string();
    let (time, unique) = trace_id.split_at(8);
    let sampled = u8::from(span.is_sampled());
    let text = format!(
        "Root=1-{time}-{unique};Parent={};Sampled={sampled}",
        span.span_id()
    );
    if let Ok(value) = HeaderValue::try_from(text) {
        // A map that is full drops it: a request is not to fail because of its headers.
        let _ = headers.try_insert(TRACE, value);
    }
}

/// `1-` eight digits `-` twenty-four digits.
fn parse_root(root: &str) -> Option<TraceId> {
    let (time, unique) = root.strip_prefix("1-")?.split_once('-')?;
    let lengths = (time.len(), unique.len()) == (8, 24);
    lengths
        .then(|| ids::trace_id(&[time, unique].concat()))
        .flatten()
}
