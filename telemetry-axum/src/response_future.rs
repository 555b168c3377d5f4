//! Response head: status, headers for the caller, and the guard's move into the body.

use std::{
    any::type_name,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll, ready},
};

use http::Response;
use http_body::Body;
use opentelemetry::Context;
use pin_project_lite::pin_project;

use crate::{
    body::ResponseBody, correlation, guard::RequestGuard, operation::Operation, options::Shared,
    service::Serving,
};

pin_project! {
    /// The response future of [`TelemetryService`](crate::TelemetryService).
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        // Until it is dropped.
        #[pin]
        inner: Option<F>,
        entered: Entered,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // The client has gone. What a handler held may log, spawn or roll back: that is still the request's.
            match this.entered {
                Entered::Traced(guard) => {
                    let _serving = guard.serve();
                    guard.handle(|| this.inner.set(None));
                }
                Entered::Untraced(request, _) => {
                    let _serving = Serving::enter(request);
                    this.inner.set(None);
                }
                Entered::Passing(_) => {}
            }
        }
    }
}

/// What a request carries from its arrival to the head of its response.
#[derive(Debug)]
pub(crate) enum Entered {
    /// Another layer's, or nobody's; with the route, for an outer layer that does not know it.
    Passing(Option<Operation>),
    /// There is no pipeline: only the correlation id is there.
    Untraced(Context, Arc<Shared>),
    Traced(RequestGuard),
}

impl<F> ResponseFuture<F> {
    pub(crate) fn new(inner: F, entered: Entered) -> Self {
        Self {
            inner: Some(inner),
            entered,
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
        let output = ready!(match this.entered {
            Entered::Traced(guard) => {
                let _serving = guard.serve();
                guard.handle(|| inner.poll(cx))
            }
            Entered::Untraced(request, _) => {
                let _serving = Serving::enter(request);
                inner.poll(cx)
            }
            Entered::Passing(_) => inner.poll(cx),
        });
        let entered = std::mem::replace(this.entered, Entered::Passing(None));
        Poll::Ready(match (output, entered) {
            (Ok(mut response), Entered::Traced(mut guard)) => {
                guard.head(&mut response);
                Ok(response.map(|body| ResponseBody::new(body, guard)))
            }
            (Ok(mut response), Entered::Untraced(request, shared)) => {
                correlation::echo(
                    &request,
                    &shared.options.correlation,
                    response.headers_mut(),
                );
                Ok(response.map(|body| ResponseBody::untraced(body, request)))
            }
            (Ok(mut response), Entered::Passing(operation)) => {
                if let Some(operation) = operation {
                    response.extensions_mut().insert(operation);
                }
                Ok(response.map(ResponseBody::passing))
            }
            (Err(error), Entered::Traced(guard)) => {
                guard.service_error(type_name::<E>(), &error);
                Err(error)
            }
            (Err(error), _) => Err(error),
        })
    }
}
