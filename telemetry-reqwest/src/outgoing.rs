//! What travels to the next service: trace context, baggage, correlation id.

use http::{Extensions, HeaderMap, HeaderName, HeaderValue, header::Entry};
use opentelemetry::Context;
use telemetry_core::{CorrelationId, Principal, propagation::Propagation};

use crate::extension::NoPropagation;

const CORRELATION_HEADER: HeaderName = HeaderName::from_static("x-correlation-id");

/// Writes the context into a request's headers. Nothing here can fail: what is no valid header is not sent.
///
/// The principal goes with it only to a host that was `listed`: everybody is not to be told who the user is.
pub(crate) fn inject(
    cx: &Context,
    propagation: Option<&Propagation>,
    listed: bool,
    headers: &mut HeaderMap,
) {
    correlate(cx, headers);
    if let Some(propagation) = propagation {
        let named = listed.then(|| Principal::in_baggage(cx)).flatten();
        propagation.inject(named.as_ref().unwrap_or(cx), headers);
    }
}

pub(crate) fn opted_out(extensions: &Extensions) -> bool {
    extensions.get::<NoPropagation>().is_some()
}

/// Tells the next service the id to quote. In a trace of its own, without a caller, that is the trace id.
fn correlate(cx: &Context, headers: &mut HeaderMap) {
    let Some(id) = CorrelationId::of(cx) else {
        return;
    };
    // One look-up both finds a header that is there and makes room for ours.
    if let Ok(Entry::Vacant(vacant)) = headers.try_entry(CORRELATION_HEADER)
        && let Ok(id) = HeaderValue::from_bytes(id.as_bytes())
    {
        let _ = vacant.try_insert(id);
    }
}
