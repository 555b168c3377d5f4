//! A step around code that is not one future or closure.

use std::{any::type_name, error::Error, fmt::Display};

use opentelemetry::{Context, Key, KeyValue, Value, trace::TraceContextExt as _};

use super::{
    description::Step,
    output::{self, Explained, Judgement, StepOutput, Verdict},
    running::Running,
};
use crate::{
    instrument::{context, providers::Providers, tracer::is_recorded},
    task::InContext,
};

/// A step in progress, from [`Step::start`]. End it with [`ok`](Self::ok), [`rejected`](Self::rejected),
/// [`failed`](Self::failed) or [`finish`](Self::finish); dropped before, by a `?` or because its future was dropped, it
/// was `cancelled`, and `panicked` if a panic drops it.
///
/// It can be held across an await in a future that is `Send`, and because of that it does not make its context current:
/// run the work of the step [`in_context`](Self::in_context) or [`in_scope`](Self::in_scope).
///
/// ```
/// # struct Answer { approved: bool }
/// # async fn charge() -> Result<Answer, std::io::Error> { Ok(Answer { approved: true }) }
/// # async fn example() -> Result<(), std::io::Error> {
/// use telemetry_api::step;
///
/// let mut payment = step("Execute_Payment_Charge").flow("checkout").stage("payment").start();
/// match payment.in_context(charge()).await {
///     Ok(answer) if answer.approved => payment.ok(),
///     Ok(_) => payment.rejected("declined"),
///     Err(error) => payment.failed("gateway", &error),
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "a step that is dropped was cancelled"]
pub struct StepGuard(Option<Running>);

impl StepGuard {
    pub(super) fn start(mut step: Step) -> Self {
        Self(Providers::current().map(|providers| {
            let mut running = Running::start(&mut step, providers);
            running.keep_context();
            running
        }))
    }

    fn cx(&self) -> Option<&Context> {
        self.0.as_ref().and_then(Running::cx)
    }

    /// Adds an attribute to the span.
    pub fn attr(&mut self, key: impl Into<Key>, value: impl Into<Value>) {
        if let Some(cx) = self.cx()
            && is_recorded(&cx.span())
        {
            cx.span().set_attribute(KeyValue::new(key, value));
        }
    }

    /// Adds an attribute of which only the hash is shown, or nothing (see [`Sensitive`]).
    ///
    /// [`Sensitive`]: crate::sensitive::Sensitive
    pub fn attr_sensitive(&mut self, key: impl Into<Key>, value: impl Display) {
        if self.is_recorded()
            && let Some(running) = &self.0
            && let Some(shown) = running.sensitive().shown(value)
        {
            self.attr(key, shown);
        }
    }

    /// The context with the step's span; without a pipeline the current one.
    pub fn context(&self) -> Context {
        self.cx().cloned().unwrap_or_else(context::current)
    }

    /// Runs a future in the step: spans below become its children, log lines carry its ids.
    pub fn in_context<F>(&self, future: F) -> InContext<F> {
        InContext::new(future, self.context())
    }

    /// Runs a closure in the step.
    pub fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        let _attached = self.cx().cloned().and_then(context::attach);
        work()
    }

    /// Ends the step: all went well.
    pub fn ok(self) {
        self.end(|| Verdict::Ok.into());
    }

    /// Ends the step: it worked, and the answer is no.
    pub fn rejected(self, reason: &'static str) {
        self.end(|| Verdict::Rejected(reason).into());
    }

    /// Ends the step: it failed.
    pub fn failed(self, error_type: &'static str, error: &dyn Display) {
        self.end(|| Judgement {
            verdict: Verdict::Failed(error_type),
            error: Some(Explained::Text(error)),
        });
    }

    /// Ends the step: it failed by this error, whose causes are then in the log record, too.
    pub fn failed_by<E: Error>(self, error_type: &'static str, error: &E) {
        self.end(|| Judgement {
            verdict: Verdict::Failed(error_type),
            error: Some(Explained::Error(type_name::<E>(), error)),
        });
    }

    /// Ends the step as this output says.
    pub fn finish(self, output: &impl StepOutput) {
        self.end(|| output::of_output(output));
    }

    /// True if there is a pipeline and the span is recorded. False means that attributes need not be computed.
    pub fn is_recorded(&self) -> bool {
        self.cx().is_some_and(|cx| is_recorded(&cx.span()))
    }

    fn end<'a>(mut self, judge: impl FnOnce() -> Judgement<'a>) {
        if let Some(mut running) = self.0.take() {
            running.finish(judge);
        }
    }
}

impl Drop for StepGuard {
    fn drop(&mut self) {
        if let Some(running) = &mut self.0
            && std::thread::panicking()
        {
            running.panicked();
        }
    }
}
