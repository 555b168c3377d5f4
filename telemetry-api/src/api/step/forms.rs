//! The forms a step runs in: a future, a closure, a guard.

use std::{error::Error, fmt::Display, future::Future};

use super::{
    description::Step,
    future::StepFuture,
    guard::StepGuard,
    output::{self, Judge, Judgement, StepOutput, Verdict},
    running::Running,
};
use crate::instrument::providers::Providers;

impl Step {
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

    /// Like [`run`](Self::run) for a `Result` of a standard error, whose causes are then in the log record, as
    /// `exception.cause`. `#[step]` does this by itself.
    pub fn run_result<F, T, E>(self, future: F) -> StepFuture<F, impl Judge<Result<T, E>>>
    where
        F: Future<Output = Result<T, E>>,
        E: Error,
    {
        StepFuture::new(self, future, output::by_causes::<T, E>)
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

    /// Like [`in_scope`](Self::in_scope) for a `Result` of a standard error; see [`run_result`](Self::run_result).
    pub fn in_scope_result<T, E: Error>(self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.in_scope_judged(work, output::by_causes)
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

    pub(super) fn in_scope_judged<T>(
        mut self,
        work: impl FnOnce() -> T,
        judge: impl Judge<T>,
    ) -> T {
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
