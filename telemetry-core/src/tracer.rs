//! Starting spans through the OpenTelemetry API, with the cost of the sampler's answer and not more.

use std::{borrow::Cow, fmt, sync::Arc};

use opentelemetry::{
    Context, KeyValue,
    trace::{Span as _, SpanBuilder, SpanKind, TraceContextExt, Tracer as ApiTracer},
};

/// What instrumentation knows about the sampler before asking it.
///
/// Attributes cost more than the span itself, so they are built before the sampler is asked only when it reads them
/// or when the span will probably be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SamplingHint {
    /// The sampler decides by attributes: they must be there when it is asked.
    pub reads_attributes: bool,
    /// Most spans without a parent are recorded.
    pub records_roots: bool,
}

impl Default for SamplingHint {
    /// Knows nothing, so hands over everything.
    fn default() -> Self {
        Self {
            reads_attributes: true,
            records_roots: true,
        }
    }
}

/// Starts the spans of one instrumentation scope.
#[derive(Clone)]
pub struct Tracer(Arc<dyn StartSpan>);

impl Tracer {
    pub(crate) fn new<T>(tracer: T, hint: SamplingHint) -> Self
    where
        T: ApiTracer + Send + Sync + 'static,
        T::Span: Send + Sync + 'static,
    {
        Self(Arc::new(Hinted { tracer, hint }))
    }

    /// Starts a span as child of `parent` and returns the context that carries it.
    ///
    /// `attributes` is called at most once, and not at all for a span that is not recorded.
    pub fn start(
        &self,
        parent: &Context,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        attributes: impl FnOnce() -> Vec<KeyValue>,
    ) -> Context {
        let mut attributes = Some(attributes);
        let builder = SpanBuilder::from_name(name).with_kind(kind);
        self.0.start(builder, parent, &mut || {
            attributes.take().map(|build| build()).unwrap_or_default()
        })
    }
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer").finish_non_exhaustive()
    }
}

/// Object-safe, so that adapters need no type parameter, and without the second box of `global::BoxedTracer`.
trait StartSpan: Send + Sync {
    fn start(
        &self,
        builder: SpanBuilder,
        parent: &Context,
        attributes: &mut dyn FnMut() -> Vec<KeyValue>,
    ) -> Context;
}

struct Hinted<T> {
    tracer: T,
    hint: SamplingHint,
}

impl<T> StartSpan for Hinted<T>
where
    T: ApiTracer + Send + Sync,
    T::Span: Send + Sync + 'static,
{
    fn start(
        &self,
        builder: SpanBuilder,
        parent: &Context,
        attributes: &mut dyn FnMut() -> Vec<KeyValue>,
    ) -> Context {
        if self.hint.reads_attributes || self.probably_recorded(parent) {
            let span = self
                .tracer
                .build_with_context(builder.with_attributes(attributes()), parent);
            return parent.with_span(span);
        }
        let mut span = self.tracer.build_with_context(builder, parent);
        if span.is_recording() {
            span.set_attributes(attributes());
        }
        parent.with_span(span)
    }
}

impl<T> Hinted<T> {
    fn probably_recorded(&self, parent: &Context) -> bool {
        let span = parent.span();
        let parent = span.span_context();
        if parent.is_valid() {
            parent.is_sampled()
        } else {
            self.hint.records_roots
        }
    }
}
