//! The parts of a pipeline that instrumentation uses: tracers, meters, propagation, settings.

use std::{
    any::{Any, TypeId},
    borrow::Cow,
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use opentelemetry::{
    InstrumentationScope,
    metrics::{Meter, MeterProvider},
    trace::{Tracer as ApiTracer, TracerProvider},
};

use crate::instrument::{
    duration::DurationHistogram,
    exemplar::ExemplarStore,
    propagation::Propagation,
    scrape::{Exposition, Scrape, ScrapeFormat},
    sensitive::Sensitive,
    settings::{self, Setting, SettingValues},
    tracer::{LiveSamplingHint, SamplingHint, StartSpan, Tracer},
};

/// The providers an adapter instruments with. Cloning is cheap.
///
/// Adapters take them from [`Providers::current`] when they handle their first request, so the order of `bootstrap`
/// and building a router or client does not matter. Every adapter also accepts them explicitly.
#[derive(Clone)]
pub struct Providers(Arc<Inner>);

struct Inner {
    spans: StartSpans,
    hint: LiveSamplingHint,
    meters: Arc<dyn MeterProvider + Send + Sync>,
    propagation: Propagation,
    exemplars: Arc<ExemplarStore>,
    scrape: Option<Arc<dyn Scrape>>,
    namespace: Arc<str>,
    sensitive: Sensitive,
    settings: Option<Arc<dyn SettingValues>>,
    instruments: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl Providers {
    /// Providers of any OpenTelemetry implementation.
    pub fn builder<P>(
        tracer_provider: P,
        meter_provider: Arc<dyn MeterProvider + Send + Sync>,
    ) -> ProvidersBuilder
    where
        P: TracerProvider + Send + Sync + 'static,
        P::Tracer: ApiTracer + Send + Sync + 'static,
        <P::Tracer as ApiTracer>::Span: Send + Sync + 'static,
    {
        let start = move |scope| -> Arc<dyn StartSpan> {
            Arc::new(tracer_provider.tracer_with_scope(scope))
        };
        Self::starting(start, meter_provider)
    }

    /// Providers with another way to start spans: `spans` is called for each instrumentation scope.
    pub fn starting(
        spans: impl Fn(InstrumentationScope) -> Arc<dyn StartSpan> + Send + Sync + 'static,
        meter_provider: Arc<dyn MeterProvider + Send + Sync>,
    ) -> ProvidersBuilder {
        ProvidersBuilder {
            spans: Box::new(spans),
            meters: meter_provider,
            hint: SamplingHint::default().into(),
            propagation: Propagation::default(),
            exemplars: Arc::default(),
            scrape: None,
            namespace: Arc::from(""),
            sensitive: Sensitive::default(),
            settings: None,
        }
    }

    /// A tracer for an instrumentation scope.
    pub fn tracer(&self, scope: InstrumentationScope) -> Tracer {
        Tracer::new((self.0.spans)(scope), self.0.hint.clone())
    }

    /// A meter for an instrumentation scope.
    pub fn meter(&self, scope: InstrumentationScope) -> Meter {
        self.0.meters.meter_with_scope(scope)
    }

    /// A histogram of durations in seconds with exemplars.
    pub fn duration_histogram(
        &self,
        meter: &Meter,
        name: impl Into<Cow<'static, str>>,
        description: &'static str,
        bounds: &[f64],
    ) -> DurationHistogram {
        DurationHistogram::new(
            meter,
            self.0.exemplars.clone(),
            name.into(),
            description,
            bounds,
        )
    }

    /// How context travels in headers.
    pub fn propagation(&self) -> &Propagation {
        &self.0.propagation
    }

    /// `service.namespace`, the prefix of business attributes; empty if there is none.
    pub fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// The form in which sensitive attributes are shown.
    pub fn sensitive(&self) -> Sensitive {
        self.0.sensitive
    }

    /// The value of a setting: from the pipeline's code, environment and file, or, where these providers have no
    /// pipeline with settings, from the environment of the process. Takes a lock: read it once, not for each request.
    pub fn setting<T: Clone + Default + Send + Sync + 'static>(
        &self,
        setting: &'static Setting<T>,
    ) -> T {
        match &self.0.settings {
            Some(values) => {
                settings::register(setting);
                setting.cast(&values.value(setting))
            }
            None => setting.read_environment(),
        }
    }

    /// All metrics as text; `None` if no pull output is configured.
    pub fn scrape(&self, format: ScrapeFormat) -> Option<String> {
        self.0.scrape.as_ref().map(|source| source.scrape(format))
    }

    /// Shows the metrics of another registry at `/metrics`, too; whether a pull output is configured that can.
    ///
    /// A family of the same name and kind as one of OpenTelemetry's is one family with the samples of both; of another
    /// kind it gets the kind as a suffix.
    pub fn merge_metrics(&self, other: Exposition) -> bool {
        self.0
            .scrape
            .as_ref()
            .is_some_and(|source| source.merge(other))
    }

    /// The one `T` of these providers, made at the first call: for instruments, which must not exist twice.
    ///
    /// It takes a lock, so keep the result, or use [`Lazy`](super::Lazy) or [`PerProviders`](super::PerProviders).
    pub fn shared<T: Send + Sync + 'static>(&self, make: fn(&Self) -> T) -> Arc<T> {
        let mut instruments = self
            .0
            .instruments
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let shared = instruments
            .entry(TypeId::of::<T>())
            .or_insert_with(|| Arc::new(make(self)));
        // The type is the key, so the cast holds.
        shared
            .clone()
            .downcast()
            .unwrap_or_else(|_| Arc::new(make(self)))
    }

    pub(super) fn into_any(self) -> Arc<dyn Any + Send + Sync> {
        self.0
    }

    pub(super) fn from_any(any: Arc<dyn Any + Send + Sync>) -> Option<Self> {
        any.downcast().ok().map(Self)
    }

    /// True if both are handles of the same providers.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The store of exemplars, for instruments that keep their own.
    pub fn exemplars(&self) -> &Arc<ExemplarStore> {
        &self.0.exemplars
    }
}

impl fmt::Debug for Providers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Providers")
            .field("namespace", &self.0.namespace)
            .finish_non_exhaustive()
    }
}

/// Starts the spans of each scope.
pub type StartSpans = Box<dyn Fn(InstrumentationScope) -> Arc<dyn StartSpan> + Send + Sync>;

/// Builds [`Providers`]; finish with [`build`](Self::build).
#[must_use]
pub struct ProvidersBuilder {
    spans: StartSpans,
    meters: Arc<dyn MeterProvider + Send + Sync>,
    hint: LiveSamplingHint,
    propagation: Propagation,
    exemplars: Arc<ExemplarStore>,
    scrape: Option<Arc<dyn Scrape>>,
    namespace: Arc<str>,
    sensitive: Sensitive,
    settings: Option<Arc<dyn SettingValues>>,
}

impl ProvidersBuilder {
    /// The facts about the sampler, for good or as they change. Default: nothing is known, which is always correct.
    pub fn with_sampling_hint(mut self, hint: impl Into<LiveSamplingHint>) -> Self {
        self.hint = hint.into();
        self
    }

    /// How context travels. Default: W3C Trace Context and Baggage.
    pub fn with_propagation(mut self, propagation: Propagation) -> Self {
        self.propagation = propagation;
        self
    }

    /// Where exemplars are kept.
    pub fn with_exemplars(mut self, exemplars: Arc<ExemplarStore>) -> Self {
        self.exemplars = exemplars;
        self
    }

    /// The source of the text at `/metrics`. Default: none.
    pub fn with_scrape(mut self, scrape: Arc<dyn Scrape>) -> Self {
        self.scrape = Some(scrape);
        self
    }

    /// The prefix of business attributes. Default: none.
    pub fn with_namespace(mut self, namespace: impl Into<Arc<str>>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// The form in which sensitive attributes are shown. Default: as a hash.
    pub fn with_sensitive(mut self, sensitive: Sensitive) -> Self {
        self.sensitive = sensitive;
        self
    }

    /// The values of the adapters' settings. Default: the environment of the process.
    pub fn with_settings(mut self, values: Arc<dyn SettingValues>) -> Self {
        self.settings = Some(values);
        self
    }

    /// The providers. No global effect.
    pub fn build(self) -> Providers {
        self.hint.get().announce();
        Providers(Arc::new(Inner {
            spans: self.spans,
            hint: self.hint,
            meters: self.meters,
            propagation: self.propagation,
            exemplars: self.exemplars,
            scrape: self.scrape,
            namespace: self.namespace,
            sensitive: self.sensitive,
            settings: self.settings,
            instruments: Mutex::default(),
        }))
    }
}

impl fmt::Debug for ProvidersBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProvidersBuilder").finish_non_exhaustive()
    }
}
