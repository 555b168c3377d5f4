//! Business steps: what no automatic instrumentation can know, in one verb.

use std::{
    any::type_name,
    fmt::Display,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll, ready},
    time::Instant,
};

use opentelemetry::{
    Context, InstrumentationScope, Key, KeyValue, Value,
    metrics::{BoundCounter, Counter},
    trace::{SpanKind, Status, TraceContextExt},
};
use pin_project_lite::pin_project;

use crate::{
    metrics::{BoundDuration, DurationHistogram, overflow},
    providers::Providers,
    series::{Series, SeriesCache},
    tracer::{Tracer, is_recorded},
};

/// Buckets for steps, which range from a cache hit to a call to a payment gateway.
const BOUNDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// Flows times stages times outcomes of a service; what goes beyond shares the overflow series.
const MAX_SERIES: usize = 500;

/// A longer message belongs into a log record.
const MAX_DESCRIPTION: usize = 256;

/// Begins the description of a business step; finish it with [`Step::run`].
///
/// Running it emits an internal span of this name, with `<namespace>.flow` and `<namespace>.stage` as attributes
/// (the prefix is the resource's `service.namespace`, or `step` without one), one count in `<namespace>.steps` and
/// one measurement in `<namespace>.step.duration` (seconds), both by flow, stage, outcome and `error.type`.
///
/// ```
/// # async fn reserve() -> Result<u32, std::io::Error> { Ok(2) }
/// # async fn example() -> Result<(), std::io::Error> {
/// use telemetry_core::step;
///
/// let reserved = step("Verify_Inventory_Status").flow("checkout").stage("inventory").run(reserve()).await?;
/// # Ok(()) }
/// ```
///
/// Without a pipeline the future runs as it is.
pub fn step(name: &'static str) -> Step {
    Step {
        name,
        flow: None,
        stage: None,
        attributes: Vec::new(),
    }
}

/// A business step about to run. Names are `'static`, so that they stay few.
#[derive(Clone, Debug)]
#[must_use = "a step does nothing until it is run"]
pub struct Step {
    name: &'static str,
    flow: Option<&'static str>,
    stage: Option<&'static str>,
    attributes: Vec<KeyValue>,
}

/// What an error means to the business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The step worked and the answer is no, such as a declined card. Nobody needs to be woken.
    Rejected(&'static str),
    /// The step failed, with its `error.type`.
    Failed(&'static str),
}

impl Step {
    /// The business flow, such as `checkout`.
    pub fn flow(mut self, flow: &'static str) -> Self {
        self.flow = Some(flow);
        self
    }

    /// The stage of the flow, such as `payment`.
    pub fn stage(mut self, stage: &'static str) -> Self {
        self.stage = Some(stage);
        self
    }

    /// An attribute of the span only, so it may take any value.
    pub fn attr(mut self, key: impl Into<Key>, value: impl Into<Value>) -> Self {
        self.attributes.push(KeyValue::new(key, value));
        self
    }

    /// Runs the future in this step. An `Err` is a failure whose `error.type` is the name of its type; its text is
    /// the description of the span's status.
    ///
    /// The step begins at the first poll. Dropping it before its end is the outcome `cancelled`, a panic `panicked`.
    pub fn run<F, T, E>(self, future: F) -> StepFuture<F, fn(&E) -> Verdict>
    where
        F: Future<Output = Result<T, E>>,
        E: Display,
    {
        self.run_with(future, |_| Verdict::Failed(type_name::<E>()))
    }

    /// Like [`run`](Self::run), with the meaning of errors decided by `classify`.
    pub fn run_with<F, T, E, C>(self, future: F, classify: C) -> StepFuture<F, C>
    where
        F: Future<Output = Result<T, E>>,
        E: Display,
        C: Fn(&E) -> Verdict,
    {
        StepFuture {
            future,
            classify,
            state: State::Ready(self),
        }
    }
}

pin_project! {
    /// The future of [`Step::run`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct StepFuture<F, C> {
        #[pin]
        future: F,
        classify: C,
        state: State,
    }
}

#[derive(Debug)]
enum State {
    Ready(Step),
    Running(Option<Running>),
}

impl<F, T, E, C> Future for StepFuture<F, C>
where
    F: Future<Output = Result<T, E>>,
    E: Display,
    C: Fn(&E) -> Verdict,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let State::Ready(step) = this.state {
            let running = Providers::current().map(|providers| Running::start(step, providers));
            *this.state = State::Running(running);
        }
        let State::Running(running) = this.state else {
            return this.future.poll(cx);
        };
        let _attached = running.as_ref().map(|running| running.cx.clone().attach());
        if let Some(running) = running {
            running.in_poll = true;
        }
        let polled = this.future.poll(cx);
        if let Some(running) = running {
            running.in_poll = false;
        }
        let output = ready!(polled);
        if let Some(running) = running.take() {
            match &output {
                Ok(_) => running.finish(Outcome::Ok, None),
                Err(error) => match (this.classify)(error) {
                    Verdict::Rejected(reason) => running.finish(Outcome::Rejected, Some(reason)),
                    Verdict::Failed(kind) => running.fail(kind, error),
                },
            }
        }
        Poll::Ready(output)
    }
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Outcome {
    Ok,
    Rejected,
    Error,
    Cancelled,
    Panicked,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Rejected => "rejected",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
            Self::Panicked => "panicked",
        }
    }
}

/// A step in progress; ends exactly once, at the latest when dropped.
#[derive(Debug)]
struct Running {
    cx: Context,
    started: Instant,
    providers: Providers,
    flow: Option<&'static str>,
    stage: Option<&'static str>,
    ended: bool,
    /// Still set when it is dropped if a poll did not return: the future panicked, whoever caught it.
    in_poll: bool,
}

impl Running {
    fn start(step: &mut Step, providers: Providers) -> Self {
        let instruments = providers.steps();
        let (flow, stage) = (step.flow, step.stage);
        let attributes = std::mem::take(&mut step.attributes);
        let cx = Context::map_current(|parent| {
            instruments
                .tracer
                .start(parent, step.name, SpanKind::Internal, || {
                    let mut all = Vec::with_capacity(attributes.len() + 3);
                    all.extend(flow.map(|flow| KeyValue::new(instruments.keys.flow.clone(), flow)));
                    all.extend(
                        stage.map(|stage| KeyValue::new(instruments.keys.stage.clone(), stage)),
                    );
                    all.extend(attributes);
                    all
                })
        });
        Self {
            cx,
            started: Instant::now(),
            providers,
            flow,
            stage,
            ended: false,
            in_poll: false,
        }
    }

    fn fail(mut self, error_type: &'static str, error: &dyn Display) {
        let span = self.cx.span();
        if is_recorded(&span) {
            let mut description = error.to_string();
            description.truncate(description.floor_char_boundary(MAX_DESCRIPTION));
            span.set_status(Status::error(description));
        }
        self.end(Outcome::Error, Some(error_type));
    }

    fn finish(mut self, outcome: Outcome, reason: Option<&'static str>) {
        self.end(outcome, reason);
    }

    fn end(&mut self, outcome: Outcome, reason: Option<&'static str>) {
        self.ended = true;
        let instruments = self.providers.steps();
        let error_type = match outcome {
            Outcome::Error => reason,
            Outcome::Panicked => Some("panic"),
            _ => None,
        };
        let span = self.cx.span();
        if is_recorded(&span) {
            let reason = reason.filter(|_| outcome == Outcome::Rejected);
            let mut attributes = vec![KeyValue::new(
                instruments.keys.outcome.clone(),
                outcome.as_str(),
            )];
            attributes.extend(error_type.map(|kind| KeyValue::new("error.type", kind)));
            attributes.extend(
                reason.map(|reason| KeyValue::new(instruments.keys.reason.clone(), reason)),
            );
            span.set_attributes(attributes);
            if outcome == Outcome::Panicked {
                span.set_status(Status::error("panicked"));
            }
        }
        let key = SeriesKey {
            flow: self.flow,
            stage: self.stage,
            outcome,
            error_type,
        };
        let series = instruments
            .series
            .get(&key, |series| instruments.bind(series));
        series.count.add(1);
        series
            .duration
            .record(self.started.elapsed().as_secs_f64(), span.span_context());
        span.end();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            let outcome = if self.in_poll {
                Outcome::Panicked
            } else {
                Outcome::Cancelled
            };
            self.end(outcome, None);
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct SeriesKey {
    flow: Option<&'static str>,
    stage: Option<&'static str>,
    outcome: Outcome,
    error_type: Option<&'static str>,
}

struct Recorders {
    count: BoundCounter<u64>,
    duration: BoundDuration,
}

/// The instruments of all steps of a pipeline.
pub(crate) struct StepInstruments {
    tracer: Tracer,
    count: Counter<u64>,
    duration: DurationHistogram,
    series: SeriesCache<SeriesKey, Arc<Recorders>>,
    keys: Keys,
}

struct Keys {
    flow: Key,
    stage: Key,
    outcome: Key,
    reason: Key,
}

impl StepInstruments {
    pub(crate) fn new(providers: &Providers) -> Self {
        let scope = InstrumentationScope::builder("telemetry-core")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let meter = providers.meter(scope.clone());
        let (prefix, steps, duration) = match providers.namespace() {
            "" => ("step", "steps".to_owned(), "step.duration".to_owned()),
            namespace => (
                namespace,
                format!("{namespace}.steps"),
                format!("{namespace}.step.duration"),
            ),
        };
        let key = |name: &str| Key::from(Arc::<str>::from(format!("{prefix}.{name}")));
        Self {
            tracer: providers.tracer(scope),
            count: meter
                .u64_counter(steps)
                .with_description("Business steps run.")
                .with_unit("{step}")
                .build(),
            duration: providers.duration_histogram(
                &meter,
                duration,
                "Duration of business steps.",
                &BOUNDS,
            ),
            series: SeriesCache::new(MAX_SERIES),
            keys: Keys {
                flow: key("flow"),
                stage: key("stage"),
                outcome: key("outcome"),
                reason: key("reason"),
            },
        }
    }

    fn bind(&self, series: Series<'_, SeriesKey>) -> Arc<Recorders> {
        let attributes = match series {
            Series::Overflow => overflow(),
            Series::Of(key) => {
                let mut attributes = vec![KeyValue::new(
                    self.keys.outcome.clone(),
                    key.outcome.as_str(),
                )];
                attributes.extend(
                    key.flow
                        .map(|flow| KeyValue::new(self.keys.flow.clone(), flow)),
                );
                attributes.extend(
                    key.stage
                        .map(|stage| KeyValue::new(self.keys.stage.clone(), stage)),
                );
                attributes.extend(key.error_type.map(|kind| KeyValue::new("error.type", kind)));
                attributes
            }
        };
        Arc::new(Recorders {
            count: self.count.bind(&attributes),
            duration: self.duration.bind(&attributes),
        })
    }
}
