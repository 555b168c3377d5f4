//! Context in and out of HTTP headers: W3C Trace Context and W3C Baggage, or any OpenTelemetry propagator.

mod b3;
mod baggage;
mod custom;
mod ids;
mod jaeger;
mod present;
mod text_map;
mod trace_context;
mod xray;

pub use present::{PresentHeaders, is_repeated};
pub use text_map::TextMap;

use std::{fmt, sync::Arc};

use http::HeaderMap;
use opentelemetry::{
    Context,
    propagation::TextMapPropagator,
    trace::{SpanContext, TraceContextExt},
};

use crate::principal::Principal;

/// An ordered list of propagation formats, applied to a request's headers.
///
/// Cost: W3C Trace Context is parsed and written in place, without the generic carrier's strings; W3C headers that are
/// absent cost nothing, those of another format one look-up.
#[derive(Clone, Debug)]
pub struct Propagation {
    formats: Arc<[Format]>,
}

/// What a caller has sent: its span, and the context of everything else.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// Not in the context yet; it overrides a span that is.
    pub(crate) caller: Option<SpanContext>,
    pub(crate) cx: Context,
}

impl Received {
    /// Looks at the caller's span; at [`SpanContext::NONE`] if it sent none.
    pub fn with_span_context<T>(&self, look: impl FnOnce(&SpanContext) -> T) -> T {
        match &self.caller {
            Some(caller) => look(caller),
            None => look(self.cx.span().span_context()),
        }
    }

    /// The context that carries it all.
    pub fn into_context(self) -> Context {
        match self.caller {
            Some(caller) => self.cx.with_remote_span_context(caller),
            None => self.cx,
        }
    }
}

/// One propagation format.
#[derive(Clone)]
#[non_exhaustive]
pub enum Format {
    /// `traceparent` and `tracestate`, W3C Trace Context.
    TraceContext,
    /// `baggage`, W3C Baggage.
    Baggage,
    /// `b3`, Zipkin's single header. Both of Zipkin's forms are read.
    B3,
    /// `x-b3-*`, Zipkin's several headers. Both of Zipkin's forms are read.
    B3Multi,
    /// `uber-trace-id` and `uberctx-*`, Jaeger's own.
    Jaeger,
    /// `x-amzn-trace-id`, AWS X-Ray.
    XRay,
    /// Any OpenTelemetry propagator. One that panics is as if it had nothing to say.
    Custom(Arc<dyn TextMapPropagator + Send + Sync>),
}

impl Format {
    /// The format of a name in OTEL_PROPAGATORS: `tracecontext`, `baggage`, `b3`, `b3multi`, `jaeger` or `xray`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "tracecontext" => Some(Self::TraceContext),
            "baggage" => Some(Self::Baggage),
            "b3" => Some(Self::B3),
            "b3multi" => Some(Self::B3Multi),
            "jaeger" => Some(Self::Jaeger),
            "xray" => Some(Self::XRay),
            _ => None,
        }
    }
}

impl Format {
    /// Reads a format that works on contexts only.
    fn extract_after(&self, received: Received, headers: &HeaderMap) -> Received {
        let cx = received.into_context();
        let next = match self {
            Self::TraceContext | Self::Baggage => None,
            Self::B3 | Self::B3Multi => b3::extract(&cx, headers),
            Self::Jaeger => jaeger::extract(&cx, headers),
            Self::XRay => xray::extract(&cx, headers),
            Self::Custom(propagator) => custom::extract(&**propagator, &cx, headers),
        };
        Received {
            caller: None,
            cx: next.map_or(cx, Principal::from_baggage),
        }
    }

    fn fields(&self) -> Vec<&str> {
        match self {
            Self::TraceContext => vec!["traceparent", "tracestate"],
            Self::Baggage => vec!["baggage"],
            Self::B3 => vec!["b3"],
            Self::B3Multi => vec!["x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags"],
            Self::Jaeger => vec!["uber-trace-id"],
            Self::XRay => vec!["x-amzn-trace-id"],
            Self::Custom(propagator) => propagator.fields().collect(),
        }
    }
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

    /// The parent context with what the headers carry, a [`Principal`] in baggage as such. Invalid headers change
    /// nothing; nothing here can fail.
    pub fn extract(&self, parent: &Context, headers: &HeaderMap) -> Context {
        self.receive(parent.clone(), headers, PresentHeaders::of(headers))
            .into_context()
    }

    /// Like [`extract`](Self::extract), for a server that starts a span at once: the caller's span of `traceparent`
    /// costs an allocation only where it is needed in a context.
    pub fn receive(
        &self,
        parent: Context,
        headers: &HeaderMap,
        present: PresentHeaders,
    ) -> Received {
        let mut received = Received {
            caller: None,
            cx: parent,
        };
        for format in self.formats.iter() {
            match format {
                Format::TraceContext => {
                    if let Some((caller, whole)) = trace_context::extract(headers, present) {
                        received.caller = Some(caller);
                        if let Some(whole) = whole {
                            received.cx = received.cx.with_value(whole);
                        }
                    }
                }
                Format::Baggage if !present.perhaps_named(baggage::NAME) => {}
                Format::Baggage => {
                    if let Some(cx) = baggage::extract(&received.cx, headers) {
                        received.cx = Principal::from_baggage(cx);
                    }
                }
                other => received = other.extract_after(received, headers),
            }
        }
        received
    }

    /// The headers that are written, as far as their names are fixed.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.formats.iter().flat_map(Format::fields)
    }

    /// Writes the context into the headers, replacing what is there: a previous attempt's, or what was copied from
    /// another request. Baggage that is there is removed if the context has none.
    pub fn inject(&self, cx: &Context, headers: &mut HeaderMap) {
        let present = PresentHeaders::of(headers);
        for format in self.formats.iter() {
            match format {
                Format::TraceContext => trace_context::inject(cx, headers, present),
                Format::Baggage => baggage::inject(cx, headers, present),
                Format::B3 => b3::inject_single(cx, headers),
                Format::B3Multi => b3::inject_multi(cx, headers),
                Format::Jaeger => jaeger::inject(cx, headers),
                Format::XRay => xray::inject(cx, headers),
                Format::Custom(propagator) => custom::inject(&**propagator, cx, headers),
            }
        }
    }
}

impl Default for Propagation {
    /// W3C Trace Context and Baggage, the default of OTEL_PROPAGATORS.
    fn default() -> Self {
        Self::new([Format::TraceContext, Format::Baggage])
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TraceContext => f.write_str("tracecontext"),
            Self::Baggage => f.write_str("baggage"),
            Self::B3 => f.write_str("b3"),
            Self::B3Multi => f.write_str("b3multi"),
            Self::Jaeger => f.write_str("jaeger"),
            Self::XRay => f.write_str("xray"),
            Self::Custom(_) => f.write_str("custom"),
        }
    }
}

#[cfg(test)]
mod tests;
