//! The headers that carry trace context, baggage and correlation id to the next service.

use http::{Extensions, HeaderMap, HeaderName, HeaderValue, header::Entry};
use opentelemetry::Context;
use telemetry_api::{CorrelationId, Principal, instrument::propagation::Propagation};

use crate::request_extension::NoPropagation;

const CORRELATION_HEADER: HeaderName = HeaderName::from_static("x-correlation-id");

/// Writes the context into the headers of a request. It cannot fail: a value that is no valid header is left out.
///
/// The principal is sent only to a `listed` host, because it identifies the user.
pub(crate) fn inject(
    cx: &Context,
    propagation: Option<&Propagation>,
    listed: bool,
    headers: &mut HeaderMap,
) {
    insert_correlation_id(cx, headers);
    if let Some(propagation) = propagation {
        let named = listed.then(|| Principal::in_baggage(cx)).flatten();
        propagation.inject(named.as_ref().unwrap_or(cx), headers);
    }
}

/// True if the request has the extension [`NoPropagation`].
pub(crate) fn opted_out(extensions: &Extensions) -> bool {
    extensions.get::<NoPropagation>().is_some()
}

/// Keeps a correlation id that the request has already. Else inserts the current one, which is the trace id if no
/// caller sent one.
fn insert_correlation_id(cx: &Context, headers: &mut HeaderMap) {
    let Some(id) = CorrelationId::of(cx) else {
        return;
    };
    // `try_entry` looks up the header and reserves its place in one step.
    if let Ok(Entry::Vacant(vacant)) = headers.try_entry(CORRELATION_HEADER)
        && let Ok(id) = HeaderValue::from_bytes(id.as_bytes())
    {
        let _ = vacant.try_insert(id);
    }
}
