//! The body of the response. The request ends with its last frame, with an error, or when it is dropped.

use std::{
    any::type_name,
    fmt,
    pin::Pin,
    task::{Context as TaskContext, Poll, ready},
};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::{request_guard::RequestGuard, response::exception_log::Exception, tracking::Tracking};

pin_project! {
    /// The body of a response of [`TelemetryService`](crate::TelemetryService). The request ends when the body ends.
    #[derive(Debug)]
    pub struct ResponseBody<B>
    where
        B: Body,
    {
        // `None` only while it is dropped.
        #[pin]
        inner: Option<B>,
        tracking: Tracking,
    }

    impl<B> PinnedDrop for ResponseBody<B>
    where
        B: Body,
    {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // Values that a stream holds may log or roll back when they are dropped, so they are dropped in the context of
            // the request.
            let Some(_current) = this.tracking.attach() else {
                return;
            };
            let Tracking::Recorded(guard) = this.tracking else {
                this.inner.set(None);
                return;
            };
            // A server does not poll a body again that has said it is at its end.
            let is_whole = this.inner.as_ref().as_pin_ref().is_none_or(|it| it.is_end_stream());
            guard.poll(|| this.inner.set(None));
            if is_whole {
                guard.completed();
            } else {
                guard.body_dropped();
            }
        }
    }
}

impl<B: Body> ResponseBody<B> {
    /// Ends the request at once if the body is empty, because a server does not poll an empty body.
    pub(crate) fn new(inner: B, mut tracking: Tracking) -> Self {
        let is_finished = match &mut tracking {
            Tracking::Inactive | Tracking::ByOuterLayer(_) => true,
            // A body that knows its length has its bytes in memory, so nothing runs that could need the id.
            Tracking::CorrelationOnly(_) => inner.size_hint().exact().is_some(),
            Tracking::Recorded(guard) => {
                let is_empty = inner.is_end_stream();
                if is_empty {
                    guard.completed();
                }
                is_empty
            }
        };
        Self {
            inner: Some(inner),
            tracking: if is_finished {
                Tracking::Inactive
            } else {
                tracking
            },
        }
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
        // The body runs, and the request ends, in the context of the request.
        let Some(_current) = this.tracking.attach() else {
            return inner.poll_frame(cx);
        };
        let Tracking::Recorded(guard) = this.tracking else {
            return inner.poll_frame(cx);
        };
        let frame = ready!(guard.poll(|| inner.as_mut().poll_frame(cx)));
        let is_last = inner.is_end_stream();
        record_frame(guard, &frame, is_last);
        if is_last {
            *this.tracking = Tracking::Inactive;
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

/// Counts a frame, and ends the request if a server will not poll for another one.
fn record_frame<D, E>(guard: &mut RequestGuard, frame: &Option<Result<Frame<D>, E>>, is_last: bool)
where
    D: Buf,
    E: fmt::Display,
{
    let is_ended = match frame {
        Some(Ok(frame)) => match (frame.data_ref(), frame.trailers_ref()) {
            (Some(data), _) => guard.sent(data),
            (None, Some(trailers)) => {
                guard.trailers(trailers);
                true
            }
            (None, None) => false,
        },
        Some(Err(error)) => {
            guard.body_error(Exception {
                kind: type_name::<E>(),
                message: error,
            });
            return;
        }
        None => true,
    };
    if is_ended || is_last {
        guard.completed();
    }
}
