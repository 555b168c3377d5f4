//! A step around a future.

use std::{
    future::Future,
    pin::Pin,
    task::{Context as TaskContext, Poll},
};

use pin_project_lite::pin_project;

use super::{description::Step, output::Judge, running::Running};
use crate::instrument::providers::Providers;

pin_project! {
    /// The future of [`Step::run`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct StepFuture<F, C> {
        // Until it is dropped.
        #[pin]
        future: Option<F>,
        judge: C,
        state: State,
    }

    impl<F, C> PinnedDrop for StepFuture<F, C> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // Values that are dropped with the future may log, spawn or roll back: that still belongs to the step.
            if let State::Running(Some(running)) = this.state {
                running.abandon(|| this.future.set(None));
            }
        }
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
            future: Some(future),
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
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        if let State::Ready(step) = this.state {
            let running = Providers::current().map(|providers| Running::start(step, providers));
            *this.state = State::Running(running);
        }
        let State::Running(Some(running)) = this.state else {
            return future.poll(cx);
        };
        let Poll::Ready(output) = running.within(|| future.poll(cx)) else {
            running.keep_context();
            return Poll::Pending;
        };
        running.finish(|| (this.judge)(&output));
        *this.state = State::Running(None);
        Poll::Ready(output)
    }
}
