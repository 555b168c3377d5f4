//! The formats of a pipeline, applied in their order.

use std::sync::Arc;

use http::HeaderMap;
use opentelemetry::Context;

use super::{Format, PresentHeaders, Received};

/// An ordered list of propagation formats, applied to a request's headers.
///
/// Cost: W3C Trace Context is parsed and written in place, without the generic carrier's strings. W3C headers that are
/// absent cost nothing, those of another format one look-up.
#[derive(Clone, Debug)]
pub struct Propagation {
    formats: Arc<[Format]>,
}

impl Propagation {
    /// Propagation in these formats. On extraction a later format overrides an earlier one.
    pub fn new(formats: impl IntoIterator<Item = Format>) -> Self {
        Self {
            formats: formats.into_iter().collect(),
        }
    }

    /// Nothing is read and nothing is sent.
    pub fn none() -> Self {
        Self::new([])
    }

    /// The parent context with the span and the baggage in the headers. Invalid headers change nothing; nothing here can
    /// fail.
    ///
    /// A [`Principal`](crate::Principal) in the baggage is left out: for a trusted caller see
    /// [`receive`](Self::receive).
    pub fn extract(&self, parent: &Context, headers: &HeaderMap) -> Context {
        self.receive(parent.clone(), headers, PresentHeaders::of(headers))
            .into_context()
    }

    /// Like [`extract`](Self::extract), for a server that starts a span at once: the caller's span of `traceparent`
    /// costs an allocation only where it is needed in a context. A trusted caller's principal is to be had by
    /// [`Received::with_principal`].
    pub fn receive(
        &self,
        parent: Context,
        headers: &HeaderMap,
        present: PresentHeaders,
    ) -> Received {
        let mut received = Received::on(parent);
        for format in self.formats.iter() {
            received = format.receive(received, headers, present);
        }
        received
    }

    /// The headers that are written, as far as their names are fixed.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.formats.iter().flat_map(Format::fields)
    }

    /// True for a header that one of the formats writes, in any letter case.
    pub fn writes(&self, header: &str) -> bool {
        let begins = |prefix: &&str| {
            let start = header.get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        self.fields()
            .any(|field| header.eq_ignore_ascii_case(field))
            || self
                .formats
                .iter()
                .any(|format| format.prefixes().iter().any(begins))
    }

    /// Writes the context into the headers, replacing those of a previous attempt, or of another request that they were
    /// copied from. Baggage that is there is removed if the context has none.
    pub fn inject(&self, cx: &Context, headers: &mut HeaderMap) {
        let present = PresentHeaders::of(headers);
        for format in self.formats.iter() {
            format.inject(cx, headers, present);
        }
    }
}

impl Default for Propagation {
    /// W3C Trace Context and Baggage, the default of OTEL_PROPAGATORS.
    fn default() -> Self {
        Self::new([Format::TraceContext, Format::Baggage])
    }
}
