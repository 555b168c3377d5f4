//! Response end: the last frame, an error, or the drop of a body that nobody reads to its end.

use std::{
    any::type_name,
    fmt,
    pin::Pin,
    task::{Context as TaskContext, Poll, ready},
};

use bytes::Buf;
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

impl<B> Body for ResponseBody<B>
where
    B: Body,
    B::Error: fmt::Display,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        let inner = this.inner.as_mut();
        let Some(guard) = this.guard else {
            return inner.poll_frame(cx);
        };
        // Until the request's end, if this is it.
        let _serving = guard.serve();
        let frame = ready!(guard.poll(|| inner.poll_frame(cx)));
        let ended = match &frame {
            Some(Ok(frame)) => {
                let last = match (frame.data_ref(), frame.trailers_ref()) {
                    (Some(data), _) => guard.sent(data.remaining()),
                    (None, Some(trailers)) => {
                        guard.trailers(trailers);
                        true
                    }
                    (None, None) => false,
                };
                // Any of these was the last poll, as far as a server is concerned.
                last || this.inner.is_end_stream()
            }
            Some(Err(_)) | None => true,
        };
        if ended && let Some(guard) = this.guard.take() {
            match &frame {
                Some(Err(error)) => guard.body_error(type_name::<B::Error>(), error),
                Some(Ok(_)) | None => guard.completed(),
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
