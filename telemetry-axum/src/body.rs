//! Response end: the last frame, an error, or the drop of a body that nobody reads to its end.

use std::{
    pin::Pin,
    task::{Context as TaskContext, Poll, ready},
};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::guard::RequestGuard;

pin_project! {
    /// A response body that ends its request when it ends.
    #[derive(Debug)]
    pub struct ResponseBody<B>
    where
        B: Body,
    {
        #[pin]
        inner: B,
        guard: Option<RequestGuard>,
    }

    impl<B> PinnedDrop for ResponseBody<B>
    where
        B: Body,
    {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(guard) = this.guard.take() {
                // A server does not poll a body again once it knows that nothing is left.
                if this.inner.is_end_stream() {
                    guard.completed();
                } else {
                    guard.dropped();
                }
            }
        }
    }
}

impl<B: Body> ResponseBody<B> {
    pub(crate) fn new(inner: B, guard: RequestGuard) -> Self {
        // An empty body is never polled.
        let guard = if inner.is_end_stream() {
            guard.completed();
            None
        } else {
            Some(guard)
        };
        Self { inner, guard }
    }

    pub(crate) fn passing(inner: B) -> Self {
        Self { inner, guard: None }
    }
}

impl<B: Body> Body for ResponseBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        let inner = this.inner.as_mut();
        let frame = ready!(match this.guard {
            Some(guard) => guard.poll(|| inner.poll_frame(cx)),
            None => inner.poll_frame(cx),
        });
        match &frame {
            Some(Ok(_)) if !this.inner.is_end_stream() => {}
            // With an exact content length this was the last poll.
            Some(Ok(_)) | None => {
                if let Some(guard) = this.guard.take() {
                    guard.completed();
                }
            }
            Some(Err(_)) => {
                if let Some(guard) = this.guard.take() {
                    guard.body_error();
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
