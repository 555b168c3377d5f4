//! The service: it starts a call, and reads the head of its response.

use std::{
    error::Error as StdError,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll, ready},
};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{body::GrpcBody, call::GrpcCall, channel::ChannelTelemetry, status};

/// The service of [`GrpcLayer`](super::GrpcLayer).
#[derive(Clone, Debug)]
pub struct GrpcService<S> {
    inner: S,
    channel: Arc<ChannelTelemetry>,
}

impl<S> GrpcService<S> {
    pub(super) fn new(inner: S, channel: Arc<ChannelTelemetry>) -> Self {
        Self { inner, channel }
    }
}

impl<S, RequestBody, ResponseBody> Service<Request<RequestBody>> for GrpcService<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>>,
    S::Error: StdError + 'static,
    ResponseBody: Body,
    ResponseBody::Error: StdError + 'static,
{
    type Response = Response<GrpcBody<ResponseBody>>;
    type Error = S::Error;
    type Future = GrpcFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        let mut call = GrpcCall::start(&self.channel, &mut request);
        let inner = match &mut call {
            Some(call) => call.poll(|| self.inner.call(request)),
            None => self.inner.call(request),
        };
        GrpcFuture { inner, call }
    }
}

pin_project! {
    /// The response future of [`GrpcService`].
    #[derive(Debug)]
    pub struct GrpcFuture<F> {
        #[pin]
        inner: F,
        call: Option<GrpcCall>,
    }
}

impl<F, B, E> Future for GrpcFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: StdError + 'static,
    B: Body,
    B::Error: StdError + 'static,
{
    type Output = Result<Response<GrpcBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let inner = this.inner;
        let output = ready!(match this.call {
            Some(call) => call.poll(|| inner.poll(cx)),
            None => inner.poll(cx),
        });
        let call = this.call.take();
        Poll::Ready(match output {
            Ok(response) => {
                let call = call.and_then(|mut call| {
                    // The head has the status if the call failed at once. Then there is no stream.
                    if let Some(status) = status::received(response.headers()) {
                        call.received(status);
                        return None;
                    }
                    call.head(response.status());
                    Some(call)
                });
                Ok(response.map(|body| GrpcBody::new(body, call)))
            }
            Err(error) => {
                if let Some(call) = call {
                    call.failed(status::failure(&error));
                }
                Err(error)
            }
        })
    }
}
