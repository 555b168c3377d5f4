//! The response stream of a call, which ends the call: with its trailers, with an error, or when it is dropped.

use std::{
    error::Error as StdError,
    pin::Pin,
    task::{Context as TaskContext, Poll, ready},
};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::{call::GrpcCall, status};

pin_project! {
    /// A response stream. Its end is the end of the call.
    #[derive(Debug)]
    pub struct GrpcBody<B>
    where
        B: Body,
    {
        #[pin]
        inner: B,
        call: Option<GrpcCall>,
    }

    impl<B> PinnedDrop for GrpcBody<B>
    where
        B: Body,
    {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(call) = this.call.take()
                && this.inner.is_end_stream()
            {
                call.ended_without_status();
            }
        }
    }
}

impl<B: Body> GrpcBody<B> {
    pub(super) fn new(inner: B, call: Option<GrpcCall>) -> Self {
        Self { inner, call }
    }
}

impl<B> Body for GrpcBody<B>
where
    B: Body,
    B::Error: StdError + 'static,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        let inner = this.inner;
        let frame = ready!(match this.call {
            Some(call) => call.poll(|| inner.poll_frame(cx)),
            None => inner.poll_frame(cx),
        });
        match &frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref()
                    && let Some(call) = this.call.take()
                {
                    call.trailers(trailers);
                }
            }
            Some(Err(error)) => {
                if let Some(call) = this.call.take() {
                    call.failed(status::failure(error));
                }
            }
            None => {
                if let Some(call) = this.call.take() {
                    call.ended_without_status();
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
