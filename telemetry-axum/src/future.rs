//! Response head: status, correlation header, and the guard's move into the body.

use std::{
    future::Future,
    pin::Pin,
    task::{Context as TaskContext, Poll, ready},
};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use crate::{
    body::ResponseBody,
    correlation,
    service::{Entered, Serving},
};

pin_project! {
    /// The response future of [`TelemetryService`](crate::TelemetryService).
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        entered: Option<Entered>,
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) fn new(inner: F, entered: Entered) -> Self {
        Self {
            inner,
            entered: Some(entered),
        }
    }

    /// Neither traced nor measured.
    pub(crate) fn passing(inner: F) -> Self {
        Self {
            inner,
            entered: None,
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let inner = this.inner;
        let output = ready!(match this.entered {
            Some(Entered {
                guard: Some(guard), ..
            }) => guard.poll(|| inner.poll(cx)),
            // Without a pipeline the correlation id still is current.
            Some(Entered {
                cx: request,
                guard: None,
                ..
            }) => {
                let _serving = Serving::enter(request);
                inner.poll(cx)
            }
            None => inner.poll(cx),
        });
        let Some(Entered {
            guard,
            correlation_id,
            ..
        }) = this.entered.take()
        else {
            return Poll::Ready(output.map(|response| response.map(ResponseBody::passing)));
        };
        Poll::Ready(match output {
            Ok(mut response) => {
                correlation::echo(&correlation_id, response.headers_mut());
                let status = response.status();
                Ok(match guard {
                    Some(guard) => response.map(|body| ResponseBody::new(body, guard.head(status))),
                    None => response.map(ResponseBody::passing),
                })
            }
            Err(error) => {
                if let Some(guard) = guard {
                    guard.service_error();
                }
                Err(error)
            }
        })
    }
}
