//! Starting spans through the OpenTelemetry API, with the cost of the sampler's answer and not more.

use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
};

use opentelemetry::{
    Context, KeyValue,
    trace::{
        Span as _, SpanBuilder, SpanContext, SpanKind, SpanRef, Status, TraceContextExt,
        Tracer as ApiTracer,
    },
};

use crate::instrument::{propagation::Received, random};

/// True once a sampler of this process records spans that it does not sample. Until then nobody asks an
/// unsampled span whether it is recorded, which takes its lock.
static UNSAMPLED_RECORDED: AtomicBool = AtomicBool::new(false);

/// The facts that instrumentation knows about the sampler before asking it.
///
/// Attributes cost more than the span itself, so they are built before the sampler is asked only when it reads them
/// or when the span will probably be recorded. `records_roots` may err, which costs time. The others must not be less
/// than the truth: a sampler that reads attributes where the hint says it does not is asked without them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SamplingHint {
    /// The sampler decides by attributes: they must be there when it is asked.
    pub reads_attributes: bool,
    /// Most spans that the sampler decides about are recorded.
    pub records_roots: bool,
    /// Spans that are not sampled are recorded, too, because their trace may be kept when it ends.
    pub records_unsampled: bool,
    /// The spans that the sampler decides about.
    pub decides: Decides,
}

/// The spans that a sampler decides about; the others are sampled exactly if their parent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decides {
    /// Spans without a parent.
    TraceRoots,
    /// Spans without a parent in this process.
    LocalRoots,
    /// Every span.
    All,
}

impl Default for SamplingHint {
    /// Knows nothing, so hands over everything.
    fn default() -> Self {
        Self {
            reads_attributes: true,
            records_roots: true,
            records_unsampled: true,
            decides: Decides::All,
        }
    }
}

impl SamplingHint {
    /// Of a tracer that does nothing: the caller's span stays the parent of the calls from here.
    pub const NOTHING_RECORDED: Self = Self {
        reads_attributes: false,
        records_roots: false,
        records_unsampled: false,
        decides: Decides::LocalRoots,
    };

    /// From now on, spans of a sampler like this may be there.
    pub(crate) fn announce(self) {
        if self.records_unsampled {
            UNSAMPLED_RECORDED.store(true, Ordering::Relaxed);
        }
    }

    /// True if attributes are to be built before the sampler is asked.
    fn wants_attributes(self, parent: &SpanContext) -> bool {
        if self.records_unsampled || self.asks_for_attributes(parent) {
            return true;
        }
        // A sampler that decides about all spans most likely still follows the parent.
        if parent.is_valid() && !(self.decided(parent) && self.decides == Decides::LocalRoots) {
            parent.is_sampled()
        } else {
            self.records_roots
        }
    }

    /// True if the sampler must have the attributes to decide about a span below this parent.
    pub fn asks_for_attributes(self, parent: &SpanContext) -> bool {
        self.reads_attributes && self.decided(parent)
    }

    /// True if the sampler decides about a span below this parent.
    fn decided(self, parent: &SpanContext) -> bool {
        match self.decides {
            Decides::All => true,
            Decides::LocalRoots => !parent.is_valid() || parent.is_remote(),
            Decides::TraceRoots => !parent.is_valid(),
        }
    }

    /// The fate of a span below this parent, as far as it is known without the sampler.
    fn foregone(self, parent: &SpanContext) -> Foregone {
        let follows = match self.decides {
            Decides::All => false,
            Decides::LocalRoots => !parent.is_remote(),
            Decides::TraceRoots => true,
        };
        if !follows || parent.is_sampled() || !parent.is_valid() {
            Foregone::Nothing
        } else if parent.is_remote() {
            match self.records_unsampled {
                true => Foregone::Nothing,
                false => Foregone::Unrecorded,
            }
        } else {
            // Once spans were recorded unsampled, a parent may be one of them, even if the sampler has changed. Ending the
            // context that stands for the child would end it.
            match UNSAMPLED_RECORDED.load(Ordering::Relaxed) {
                true => Foregone::Nothing,
                false => Foregone::LeftOut,
            }
        }
    }

    fn to_bits(self) -> u8 {
        u8::from(self.reads_attributes)
            | u8::from(self.records_roots) << 1
            | u8::from(self.records_unsampled) << 2
            | (self.decides as u8) << 3
    }

    fn from_bits(bits: u8) -> Self {
        Self {
            reads_attributes: bits & 1 != 0,
            records_roots: bits & 2 != 0,
            records_unsampled: bits & 4 != 0,
            decides: match bits >> 3 {
                0 => Decides::TraceRoots,
                1 => Decides::LocalRoots,
                _ => Decides::All,
            },
        }
    }
}

/// The fate of a span before the sampler is asked.
enum Foregone {
    /// The sampler decides.
    Nothing,
    /// Nobody records it, but it has an id of its own, so that the logs of a service are not those of its caller.
    Unrecorded,
    /// There is none: its work belongs to the parent.
    LeftOut,
}

/// A hint that changes with the sampler. Clones share it; reading is one relaxed load.
#[derive(Clone)]
pub struct LiveSamplingHint(Arc<AtomicU8>);

impl LiveSamplingHint {
    /// Says this until [`set`](Self::set) says otherwise.
    pub fn new(hint: SamplingHint) -> Self {
        Self(Arc::new(AtomicU8::new(hint.to_bits())))
    }

    /// The facts as they are now.
    pub fn get(&self) -> SamplingHint {
        SamplingHint::from_bits(self.0.load(Ordering::Relaxed))
    }

    /// Changes it for every span that starts from now on.
    pub fn set(&self, hint: SamplingHint) {
        hint.announce();
        self.0.store(hint.to_bits(), Ordering::Relaxed);
    }
}

impl From<SamplingHint> for LiveSamplingHint {
    fn from(hint: SamplingHint) -> Self {
        Self::new(hint)
    }
}

impl fmt::Debug for LiveSamplingHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// True if attributes of the span can reach a backend: it is sampled, or recorded in case its trace is kept later.
///
/// Adapters ask this before they build attributes for the end of a span. It takes a lock only if the span is not sampled
/// and a sampler of this process keeps traces by how they end.
#[inline]
pub fn is_recorded(span: &SpanRef<'_>) -> bool {
    let context = span.span_context();
    // A remote span is recorded by the service that started it.
    !context.is_remote()
        && (context.is_sampled()
            || (UNSAMPLED_RECORDED.load(Ordering::Relaxed) && span.is_recording()))
}

/// The longest description of a span's status, in bytes; a longer text belongs into a log record.
const MAX_DESCRIPTION: usize = 256;

/// The status of a span that failed.
pub(crate) fn failed(mut description: String) -> Status {
    description.truncate(description.floor_char_boundary(MAX_DESCRIPTION));
    Status::error(description)
}

/// Starts the spans of one instrumentation scope.
#[derive(Clone)]
pub struct Tracer {
    spans: Arc<dyn StartSpan>,
    hint: LiveSamplingHint,
}

impl Tracer {
    /// A tracer that starts its spans like this. Adapters call [`Providers::tracer`](super::Providers::tracer).
    pub fn new(spans: Arc<dyn StartSpan>, hint: LiveSamplingHint) -> Self {
        Self { spans, hint }
    }

    /// Starts a span as child of `parent` and returns the context that carries it.
    ///
    /// Below an unsampled span of this process, when the sampler is known to follow it, a span that stays in the process
    /// is left out: the result is the parent's context. A call has an id of its own, which the other side sees as its
    /// parent.
    ///
    /// `attributes` is called at most once, and not at all for a span that is not recorded.
    pub fn start(
        &self,
        parent: &Context,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        attributes: impl FnOnce() -> Vec<KeyValue>,
    ) -> Context {
        self.start_own(parent, name, kind, attributes)
            .unwrap_or_else(|| parent.clone())
    }

    /// [`start`](Self::start); `None` where that is the parent's context.
    pub(crate) fn start_own(
        &self,
        parent: &Context,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        attributes: impl FnOnce() -> Vec<KeyValue>,
    ) -> Option<Context> {
        let hint = self.hint.get();
        let span = parent.span();
        match hint.foregone(span.span_context()) {
            Foregone::LeftOut if matches!(kind, SpanKind::Client | SpanKind::Producer) => {
                Some(unrecorded(span.span_context(), parent))
            }
            Foregone::LeftOut => None,
            Foregone::Unrecorded if !parent.is_telemetry_suppressed() => {
                Some(unrecorded(span.span_context(), parent))
            }
            Foregone::Unrecorded | Foregone::Nothing => {
                let mut attributes = Some(attributes);
                let mut attributes = || attributes.take().map(|build| build()).unwrap_or_default();
                Some(
                    self.spans
                        .start(name.into(), kind, parent, hint, &mut attributes),
                )
            }
        }
    }

    /// Starts the span of a server below its caller's: [`start`](Self::start), but cheaper.
    pub fn start_received(
        &self,
        parent: Received,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        attributes: impl FnOnce() -> Vec<KeyValue>,
    ) -> Context {
        let hint = self.hint.get();
        if let Some(caller) = &parent.caller
            && let Foregone::Unrecorded = hint.foregone(caller)
            && !parent.cx.is_telemetry_suppressed()
        {
            return unrecorded(caller, &parent.cx);
        }
        self.start(&parent.into_context(), name, kind, attributes)
    }
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer").finish_non_exhaustive()
    }
}

/// The span that the SDK makes if its sampler drops it, in one allocation.
fn unrecorded(caller: &SpanContext, cx: &Context) -> Context {
    cx.with_remote_span_context(SpanContext::new(
        caller.trace_id(),
        random::span_id(),
        caller.trace_flags(),
        false,
        caller.trace_state().clone(),
    ))
}

/// Starts the spans of a scope. Object-safe, so that adapters need no type parameter, and without the second box
/// of `global::BoxedTracer`.
pub trait StartSpan: Send + Sync {
    /// Starts the span and returns the context that carries it. `attributes` is to be called once at most, and only if
    /// the span is recorded or the sampler reads them.
    fn start(
        &self,
        name: Cow<'static, str>,
        kind: SpanKind,
        parent: &Context,
        hint: SamplingHint,
        attributes: &mut dyn FnMut() -> Vec<KeyValue>,
    ) -> Context;
}

impl<T> StartSpan for T
where
    T: ApiTracer + Send + Sync,
    T::Span: Send + Sync + 'static,
{
    fn start(
        &self,
        name: Cow<'static, str>,
        kind: SpanKind,
        parent: &Context,
        hint: SamplingHint,
        attributes: &mut dyn FnMut() -> Vec<KeyValue>,
    ) -> Context {
        let mut builder = SpanBuilder::from_name(name).with_kind(kind);
        let early = hint.wants_attributes(parent.span().span_context());
        if early {
            builder = builder.with_attributes(attributes());
        }
        let mut span = self.build_with_context(builder, parent);
        if !span.is_recording() {
            // Only its identity is of use, and that needs no lock and no box.
            return parent.with_remote_span_context(span.span_context().clone());
        }
        if !early {
            span.set_attributes(attributes());
        }
        parent.with_span(span)
    }
}
