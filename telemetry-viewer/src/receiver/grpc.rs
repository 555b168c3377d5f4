mod codec;

use std::convert::Infallible;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Bytes;
use axum::http::{self, StatusCode};
use http_body_util::Full;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::Server;
use tonic::transport::server::Router;
use tonic::{Code, Request, Response, Status};
use tower_service::Service;

use self::codec::RawCodec;
use super::MAX_REQUEST_BYTES;
use super::body::{Received, Refusal, receive};
use super::signal::{self, Logs, Metrics, Signal, Traces};
use crate::store::Reservation;
use crate::store::Store;

/// The three OTLP services on one store.
pub(crate) fn router(store: &Store) -> Router {
    Server::builder()
        .add_service(Export::<Traces>::new(store))
        .add_service(Export::<Metrics>::new(store))
        .add_service(Export::<Logs>::new(store))
}

/// The `Export` method of one signal. It is not the generated service, because that decodes a
/// message before anybody can ask how much memory it will take.
#[derive(Clone)]
struct Export<S> {
    store: Store,
    signal: PhantomData<S>,
}

impl<S> Export<S> {
    fn new(store: &Store) -> Self {
        Self {
            store: store.clone(),
            signal: PhantomData,
        }
    }
}

impl<S: Signal> NamedService for Export<S> {
    const NAME: &'static str = S::SERVICE;
}

type Answer = http::Response<tonic::body::Body>;

impl<S: Signal> Service<http::Request<tonic::body::Body>> for Export<S> {
    type Response = Answer;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        let store = self.store.clone();
        Box::pin(async move { Ok(export::<S>(store, request).await) })
    }
}

async fn export<S: Signal>(store: Store, request: http::Request<tonic::body::Body>) -> Answer {
    let path = request.uri().path();
    if path
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(S::SERVICE))
        != Some("/Export")
    {
        return Status::unimplemented("the one method of this service is Export").into_http();
    }
    let (head, body) = request.into_parts();
    match receive(&store, body).await {
        Ok(Received { body, reservation }) => {
            let request = http::Request::from_parts(head, Full::new(body));
            let take = Take::<S> {
                store,
                reservation: Some(reservation),
                signal: PhantomData,
            };
            Grpc::new(RawCodec::default())
                .accept_compressed(Gzip)
                .max_decoding_message_size(MAX_REQUEST_BYTES)
                .unary(take, request)
                .await
        }
        Err(refusal) => status(refusal).into_http(),
    }
}

/// What to do with the message once its frame is open.
struct Take<S> {
    store: Store,
    reservation: Option<Reservation>,
    signal: PhantomData<S>,
}

impl<S: Signal> UnaryService<Bytes> for Take<S> {
    type Response = S::Response;
    type Future = std::future::Ready<Result<Response<S::Response>, Status>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let taken = self.reservation.take();
        let mut reservation = taken.unwrap_or_else(|| self.store.budget().reserve());
        let answer = signal::take::<S>(&self.store, &request.into_inner(), &mut reservation);
        std::future::ready(answer.map(Response::new).map_err(status))
    }
}

/// The code by which an SDK knows whether to send the request again.
fn status(refusal: Refusal) -> Status {
    let code = match refusal.status {
        StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
        StatusCode::REQUEST_TIMEOUT => Code::DeadlineExceeded,
        StatusCode::PAYLOAD_TOO_LARGE => Code::ResourceExhausted,
        _ => Code::InvalidArgument,
    };
    Status::new(code, refusal.message)
}
