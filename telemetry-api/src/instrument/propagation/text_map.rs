//! The same formats for any carrier: OpenTelemetry's propagator interface over [`Propagation`].

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
};

use super::Propagation;

/// A [`Propagation`] for carriers that are no HTTP headers, such as a message's properties.
///
/// `bootstrap` makes it OpenTelemetry's global propagator, so that instrumentation of others continues our traces.
#[derive(Debug)]
pub struct TextMap {
    propagation: Propagation,
    fields: Vec<String>,
}

impl From<Propagation> for TextMap {
    fn from(propagation: Propagation) -> Self {
        let fields = propagation.fields().map(str::to_owned).collect();
        Self {
            propagation,
            fields,
        }
    }
}

impl TextMapPropagator for TextMap {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        let mut headers = HeaderMap::new();
        self.propagation.inject(cx, &mut headers);
        for (name, value) in &headers {
            if let Ok(value) = value.to_str() {
                injector.set(name.as_str(), value.to_owned());
            }
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        let mut headers = HeaderMap::new();
        // Jaeger's baggage has a key for each member, so all keys are read, not only the known ones.
        for key in extractor.keys() {
            let Ok(name) = HeaderName::try_from(key) else {
                continue;
            };
            for value in extractor.get_all(key).unwrap_or_default() {
                if let Ok(value) = HeaderValue::try_from(value) {
                    // A map that is full leaves it out.
                    let _ = headers.try_append(&name, value);
                }
            }
        }
        self.propagation.extract(cx, &headers)
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.fields)
    }
}
