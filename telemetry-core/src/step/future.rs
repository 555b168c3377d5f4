//! A step around a future.

use std::{
    future::Future,
    pin::Pin,
    task::{Context as TaskContext, Poll},
};

use pin_project_lite::pin_project;

use super::{Step, output::Judge, running::Running};
use crate::providers::Providers;

pin_project! {
    /// The future of [`Step::run`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct StepFuture<F, C> {
        #[pin]
        future: F,
        judge: C,
        state: State,
    }
}

#[derive(Debug)]
enum State {
    Ready(Step),
    Running(Option<Running>),
}

impl<F, C> StepFuture<F, C> {
    pub(super) fn new(step: Step, future: F, judge: C) -> Self {
        Self {
            future,
            judge,
            state: State::Ready(step),
        }
    }
}

impl<F, C> Future for StepFuture<F, C>
where
    F: Future,
    C: Judge<F::Output>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let State::Ready(step) = this.state {
            let running = Providers::current().map(|providers| Running::start(step, providers));
            *this.state = State::Running(running);
        }
        let State::Running(Some(running)) = this.state else {
            return this.future.poll(cx);
        };
        let Poll::Ready(output) = running.within(|| this.future.poll(cx)) else {
            running.keep_context();
            return Poll::Pending;
        };
        running.finish(|| (this.judge)(&output));
        *this.state = State::Running(None);
        Poll::Ready(output)
    }
}
