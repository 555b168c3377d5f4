//! Context in and out of HTTP headers: W3C Trace Context and W3C Baggage, or any OpenTelemetry propagator.

mod baggage;
mod trace_context;

use std::{fmt, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
};

/// An ordered list of propagation formats, applied to a request's headers.
///
/// Cost: W3C Trace Context is parsed and written in place, without the generic carrier's strings; a format whose
/// headers are absent costs one header lookup.
#[derive(Clone, Debug)]
pub struct Propagation {
    formats: Arc<[Format]>,
}

/// One propagation format.
#[derive(Clone)]
#[non_exhaustive]
pub enum Format {
    /// `traceparent` and `tracestate`, W3C Trace Context.
    TraceContext,
    /// `baggage`, W3C Baggage.
    Baggage,
    /// Any OpenTelemetry propagator.
    Custom(Arc<dyn TextMapPropagator + Send + Sync>),
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

    /// The parent context with what the headers carry. Invalid headers change nothing; nothing here can fail.
    pub fn extract(&self, parent: &Context, headers: &HeaderMap) -> Context {
        let mut cx = None;
        for format in self.formats.iter() {
            let base = cx.as_ref().unwrap_or(parent);
            let next = match format {
                Format::TraceContext => trace_context::extract(base, headers),
                Format::Baggage => baggage::extract(base, headers),
                Format::Custom(propagator) => {
                    Some(propagator.extract_with_context(base, &HeaderExtractor(headers)))
                }
            };
            cx = next.or(cx);
        }
        cx.unwrap_or_else(|| parent.clone())
    }

    /// Writes the context into the headers, replacing what a previous attempt wrote.
    pub fn inject(&self, cx: &Context, headers: &mut HeaderMap) {
        for format in self.formats.iter() {
            match format {
                Format::TraceContext => trace_context::inject(cx, headers),
                Format::Baggage => baggage::inject(cx, headers),
                Format::Custom(propagator) => {
                    propagator.inject_context(cx, &mut HeaderInjector(headers))
                }
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
            Self::Custom(_) => f.write_str("custom"),
        }
    }
}

struct HeaderExtractor<'a>(&'a HeaderMap);

impl Extractor for HeaderExtractor<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let values: Vec<_> = self
            .0
            .get_all(key)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        (!values.is_empty()).then_some(values)
    }
}

struct HeaderInjector<'a>(&'a mut HeaderMap);

impl Injector for HeaderInjector<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            // A map that is full drops it: a request is not to fail because of its headers.
            let _ = self.0.try_insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests;
