//! The future of the response. When the head of the response is there, the guard moves into the body.

use std::{
    any::type_name,
    fmt,
    future::Future,
    mem,
    pin::Pin,
    task::{Context as TaskContext, Poll, ready},
};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use crate::{response::exception_log::Exception, response_body::ResponseBody, tracking::Tracking};

pin_project! {
    /// The response future of [`TelemetryService`](crate::TelemetryService).
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        // `None` only while it is dropped.
        #[pin]
        inner: Option<F>,
        tracking: Tracking,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // The client has disconnected. Values that the handler holds may log, spawn tasks or roll back when they are
            // dropped, so they are dropped in the context of the request.
            let Some(_current) = this.tracking.attach() else {
                return;
            };
            match this.tracking {
                Tracking::Recorded(guard) => guard.poll_handler(|| this.inner.set(None)),
                _ => this.inner.set(None),
            }
        }
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) fn new(inner: F, tracking: Tracking) -> Self {
        Self {
            inner: Some(inner),
            tracking,
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: fmt::Display,
    B: Body,
    B::Error: fmt::Display,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(inner) = this.inner.as_pin_mut() else {
            return Poll::Pending;
        };
        let current = this.tracking.attach();
        let output = ready!(match this.tracking {
            Tracking::Recorded(guard) => guard.poll_handler(|| inner.poll(cx)),
            _ => inner.poll(cx),
        });
        drop(current);
        let tracking = mem::replace(this.tracking, Tracking::Inactive);
        Poll::Ready(match output {
            Ok(response) => Ok(with_head(response, tracking)),
            Err(error) => {
                if let Tracking::Recorded(guard) = tracking {
                    guard.service_error(Exception {
                        kind: type_name::<E>(),
                        message: &error,
                    });
                }
                Err(error)
            }
        })
    }
}

/// Records and completes the head of the response, and wraps its body.
fn with_head<B: Body>(
    mut response: Response<B>,
    mut tracking: Tracking,
) -> Response<ResponseBody<B>> {
    match &mut tracking {
        Tracking::Inactive => {}
        Tracking::ByOuterLayer(operation) => {
            if let Some(operation) = operation.take() {
                response.extensions_mut().insert(operation);
            }
        }
        Tracking::CorrelationOnly(correlation) => correlation.echo(response.headers_mut()),
        Tracking::Recorded(guard) => guard.response_head(&mut response),
    }
    response.map(|body| ResponseBody::new(body, tracking))
}
