//! Business steps: what no automatic instrumentation can know, in one verb.

mod future;
mod guard;
mod log;
mod output;
mod running;
mod step_metrics;

#[doc(hidden)]
pub mod __private;

use std::{fmt::Display, future::Future};

use opentelemetry::{Key, KeyValue, Value};

use crate::instrument::providers::Providers;
use output::{Judge, Judgement};
use running::Running;

pub use future::StepFuture;
pub use guard::StepGuard;
pub use output::{StepOutput, Verdict};
pub(crate) use step_metrics::StepInstruments;

/// What a step says about itself before it runs; further attributes are left out.
const MAX_ATTRIBUTES: usize = 32;

/// Begins the description of a business step; finish it with one of the forms below.
///
/// | form | for |
/// |---|---|
/// | [`run`](Step::run), [`run_with`](Step::run_with), [`run_classified`](Step::run_classified) | a future |
/// | [`in_scope`](Step::in_scope), [`in_scope_with`](Step::in_scope_with), [`in_scope_classified`](Step::in_scope_classified) | a closure on this thread |
/// | [`start`](Step::start) | code that is neither: a [`StepGuard`] |
/// | `#[step]` | a whole function (feature `macros`) |
///
/// Running it emits
///
/// - an internal span of this name, with `<namespace>.flow`, `<namespace>.stage` and `<namespace>.outcome` (the prefix is
///   the resource's `service.namespace`, or `step` without one),
/// - one count in `<namespace>.steps` and one measurement in `<namespace>.step.duration` (seconds), both by flow, stage,
///   outcome and `error.type` (without a namespace `steps` and `step.duration`),
/// - one `tracing` event of target `telemetry_core::step` with the step's ids: at ERROR if it failed or panicked, at
///   WARN if it was cancelled, at INFO if it was rejected, and at DEBUG, which is off by default, if all went well.
///
/// ```
/// # async fn reserve() -> Result<u32, std::io::Error> { Ok(2) }
/// # async fn example() -> Result<(), std::io::Error> {
/// use telemetry_api::step;
///
/// let reserved = step("Verify_Inventory_Status").flow("checkout").stage("inventory").run(reserve()).await?;
/// # Ok(()) }
/// ```
///
/// Without a pipeline the work runs as it is.
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

    /// An attribute of the span only, so it may take any value. A step keeps at most 32.
    pub fn attr(mut self, key: impl Into<Key>, value: impl Into<Value>) -> Self {
        if self.attributes.len() < MAX_ATTRIBUTES && Providers::current().is_some() {
            self.attributes.push(KeyValue::new(key, value));
        }
        self
    }

    /// An attribute whose value is nobody's business: what is shown is its hash, or nothing (see [`Sensitive`]). It is
    /// hashed here, if a step that begins here would be recorded.
    ///
    /// [`Sensitive`]: crate::sensitive::Sensitive
    pub fn attr_sensitive(self, key: impl Into<Key>, value: impl Display) -> Self {
        if !__private::wants_attributes() {
            return self;
        }
        match Providers::current().and_then(|providers| providers.sensitive().shown(value)) {
            Some(shown) => self.attr(key, shown),
            None => self,
        }
    }

    /// Runs the future in this step; its output says how the step ended (see [`StepOutput`]). An `Err` is a failure
    /// whose `error.type` is the name of its type; its text is the description of the span's status.
    ///
    /// The step begins at the first poll. Dropping it before its end is the outcome `cancelled`, a panic `panicked`.
    pub fn run<F>(self, future: F) -> StepFuture<F, fn(&F::Output) -> Judgement<'_>>
    where
        F: Future,
        F::Output: StepOutput,
    {
        StepFuture::new(self, future, output::of_output)
    }

    /// Like [`run`](Self::run), with the meaning of errors decided by `classify`.
    pub fn run_with<F, T, E, C>(
        self,
        future: F,
        classify: C,
    ) -> StepFuture<F, impl Judge<Result<T, E>>>
    where
        F: Future<Output = Result<T, E>>,
        E: Display,
        C: Fn(&E) -> Verdict,
    {
        StepFuture::new(self, future, output::by_error(classify))
    }

    /// Like [`run`](Self::run) for any output, with its meaning decided by `classify`.
    pub fn run_classified<F, C>(
        self,
        future: F,
        classify: C,
    ) -> StepFuture<F, impl Judge<F::Output>>
    where
        F: Future,
        C: Fn(&F::Output) -> Verdict,
    {
        StepFuture::new(self, future, output::by_value(classify))
    }

    /// Runs the closure in this step, on this thread: for work that does not await. Else like [`run`](Self::run).
    pub fn in_scope<T: StepOutput>(self, work: impl FnOnce() -> T) -> T {
        self.in_scope_judged(work, output::of_output)
    }

    /// Like [`in_scope`](Self::in_scope), with the meaning of errors decided by `classify`.
    pub fn in_scope_with<T, E: Display>(
        self,
        work: impl FnOnce() -> Result<T, E>,
        classify: impl Fn(&E) -> Verdict,
    ) -> Result<T, E> {
        self.in_scope_judged(work, output::by_error(classify))
    }

    /// Like [`in_scope`](Self::in_scope) for any result, with its meaning decided by `classify`.
    pub fn in_scope_classified<T>(
        self,
        work: impl FnOnce() -> T,
        classify: impl Fn(&T) -> Verdict,
    ) -> T {
        self.in_scope_judged(work, output::by_value(classify))
    }

    fn in_scope_judged<T>(mut self, work: impl FnOnce() -> T, judge: impl Judge<T>) -> T {
        let Some(providers) = Providers::current() else {
            return work();
        };
        let mut running = Running::start(&mut self, providers);
        let output = running.within(work);
        running.finish(|| judge(&output));
        output
    }

    /// Starts the step and hands back the guard that ends it.
    pub fn start(self) -> StepGuard {
        StepGuard::start(self)
    }
}
