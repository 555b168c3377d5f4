//! Response end: the last frame, an error, or the drop of a body that nobody reads to its end.

use std::{
    any::type_name,
    fmt,
    pin::Pin,
    task::{Context as TaskContext, Poll, ready},
};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use opentelemetry::Context;
use pin_project_lite::pin_project;

use crate::{guard::RequestGuard, service::Serving};

pin_project! {
    /// A response body that ends its request when it ends.
    #[derive(Debug)]
    pub struct ResponseBody<B>
    where
        B: Body,
    {
        // Until it is dropped.
        #[pin]
        inner: Option<B>,
        sent: Sent,
    }

    impl<B> PinnedDrop for ResponseBody<B>
    where
        B: Body,
    {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // What a stream held may log or roll back: that is still the request's.
            match this.sent {
                Sent::Passing => {}
                Sent::Untraced(request) => {
                    let _serving = Serving::enter(request);
                    this.inner.set(None);
                }
                Sent::Traced(guard) => {
                    let _serving = guard.serve();
                    // A server does not poll a body again once it knows that nothing is left.
                    let whole = this.inner.as_ref().as_pin_ref().is_none_or(|it| it.is_end_stream());
                    guard.poll(|| this.inner.set(None));
                    if whole {
                        guard.completed();
                    } else {
                        guard.dropped();
                    }
                }
            }
        }
    }
}

/// Whose body it is.
#[derive(Debug)]
enum Sent {
    /// Another layer's, or of bytes that are at hand or gone: there is nothing to do for it.
    Passing,
    /// There is no pipeline, but what is done meanwhile has a correlation id.
    Untraced(Context),
    /// Ended or not: its context stays that of the body.
    Traced(RequestGuard),
}

impl<B: Body> ResponseBody<B> {
    pub(crate) fn new(inner: B, mut guard: RequestGuard) -> Self {
        // An empty body is never polled.
        let sent = if inner.is_end_stream() {
            guard.completed();
            Sent::Passing
        } else {
            Sent::Traced(guard)
        };
        Self::of(inner, sent)
    }

    pub(crate) fn untraced(inner: B, request: Context) -> Self {
        // One that knows its length has its bytes at hand: nothing is done for them that could want an id.
        let sent = match inner.size_hint().exact() {
            Some(_) => Sent::Passing,
            None => Sent::Untraced(request),
        };
        Self::of(inner, sent)
    }

    pub(crate) fn passing(inner: B) -> Self {
        Self::of(inner, Sent::Passing)
    }

    fn of(inner: B, sent: Sent) -> Self {
        let inner = Some(inner);
        Self { inner, sent }
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
        let this = self.project();
        let Some(mut inner) = this.inner.as_pin_mut() else {
            return Poll::Ready(None);
        };
        let guard = match this.sent {
            Sent::Traced(guard) => guard,
            Sent::Untraced(request) => {
                let _serving = Serving::enter(request);
                return inner.poll_frame(cx);
            }
            Sent::Passing => return inner.poll_frame(cx),
        };
        // Until the request's end, if this is it.
        let _serving = guard.serve();
        let frame = ready!(guard.poll(|| inner.as_mut().poll_frame(cx)));
        let ended = match &frame {
            Some(Ok(frame)) => match (frame.data_ref(), frame.trailers_ref()) {
                (Some(data), _) => guard.sent(data.remaining()),
                (None, Some(trailers)) => {
                    guard.trailers(trailers);
                    true
                }
                (None, None) => false,
            },
            Some(Err(_)) | None => true,
        };
        // Either was the last poll, as far as a server is concerned.
        let is_left = !inner.is_end_stream();
        if ended || !is_left {
            match &frame {
                Some(Err(error)) => guard.body_error(type_name::<B::Error>(), error),
                Some(Ok(_)) | None => guard.completed(),
            }
        }
        if !is_left {
            *this.sent = Sent::Passing;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let hint = self.inner.as_ref().map(Body::size_hint);
        hint.unwrap_or_else(|| SizeHint::with_exact(0))
    }
}
