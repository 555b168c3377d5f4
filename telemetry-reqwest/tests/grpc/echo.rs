//! A service and a client as a code generator writes them, with text as messages.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context as TaskContext, Poll},
};

use bytes::{Buf, BufMut};
use http::uri::PathAndQuery;
use tokio::net::TcpListener;
use tokio_stream::Stream;
use tonic::{
    GrpcMethod, IntoRequest, Request, Response, Status, Streaming,
    body::Body,
    client::{Grpc, GrpcService},
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::{BoxFuture, Service, StdError},
    server::{NamedService, ServerStreamingService, UnaryService},
    transport::{Server, server::TcpIncoming},
};

#[derive(Clone, Copy, Default)]
struct Text;

impl Codec for Text {
    type Encode = String;
    type Decode = String;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Text {
    type Item = String;
    type Error = Status;

    fn encode(&mut self, text: String, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(text.as_bytes());
        Ok(())
    }
}

impl Decoder for Text {
    type Item = String;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<String>, Status> {
        let bytes = buffer.copy_to_bytes(buffer.remaining());
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }
}

/// Starts the service on a free port and returns its target.
pub(crate) async fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}", listener.local_addr().unwrap());
    let serving = Server::builder()
        .add_service(Echo)
        .serve_with_incoming(TcpIncoming::from(listener));
    tokio::spawn(serving);
    target
}

#[derive(Clone)]
struct Echo;

impl NamedService for Echo {
    const NAME: &'static str = "test.Echo";
}

impl Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(Text);
            Ok(match request.uri().path() {
                "/test.Echo/Unary" => grpc.unary(Unary, request).await,
                "/test.Echo/Stream" => grpc.server_streaming(Numbers, request).await,
                _ => Status::unimplemented("").into_http(),
            })
        })
    }
}

struct Unary;

impl UnaryService<String> for Unary {
    type Response = String;
    type Future = BoxFuture<Response<String>, Status>;

    fn call(&mut self, request: Request<String>) -> Self::Future {
        Box::pin(async move {
            let headers = request.metadata().clone().into_headers();
            match request.into_inner().as_str() {
                "missing" => Err(Status::not_found("secret")),
                "never" => std::future::pending().await,
                "metadata" => {
                    let lines = headers.iter().map(|(name, value)| {
                        format!("{name}: {}\n", value.to_str().unwrap_or("?"))
                    });
                    Ok(Response::new(lines.collect()))
                }
                other => Ok(Response::new(other.to_owned())),
            }
        })
    }
}

struct Numbers;

type Messages = Pin<Box<dyn Stream<Item = Result<String, Status>> + Send>>;

impl ServerStreamingService<String> for Numbers {
    type Response = String;
    type ResponseStream = Messages;
    type Future = BoxFuture<Response<Messages>, Status>;

    fn call(&mut self, request: Request<String>) -> Self::Future {
        let breaks = request.get_ref() == "break";
        let messages = (0..3).map(move |n| match n {
            1 if breaks => Err(Status::data_loss("")),
            n => Ok(n.to_string()),
        });
        let messages: Messages = Box::pin(tokio_stream::iter(messages));
        Box::pin(async move { Ok(Response::new(messages)) })
    }
}

pub(crate) struct EchoClient<T>(Grpc<T>);

impl<T> EchoClient<T>
where
    T: GrpcService<Body>,
    T::Error: Into<StdError>,
    T::ResponseBody: tonic::codegen::Body<Data = bytes::Bytes> + Send + 'static,
    <T::ResponseBody as tonic::codegen::Body>::Error: Into<StdError> + Send,
{
    pub(crate) fn new(channel: T) -> Self {
        Self(Grpc::new(channel))
    }

    async fn ready(&mut self) -> Result<(), Status> {
        let ready = self.0.ready().await;
        ready.map_err(|error| Status::unknown(error.into().to_string()))
    }

    pub(crate) async fn unary(&mut self, text: &str) -> Result<String, Status> {
        self.send(text.to_owned().into_request()).await
    }

    pub(crate) async fn send(&mut self, mut request: Request<String>) -> Result<String, Status> {
        self.ready().await?;
        request
            .extensions_mut()
            .insert(GrpcMethod::new("test.Echo", "Unary"));
        let path = PathAndQuery::from_static("/test.Echo/Unary");
        Ok(self.0.unary(request, path, Text).await?.into_inner())
    }

    /// Calls like a client that was written by hand.
    pub(crate) async fn unknown(&mut self) -> Result<String, Status> {
        self.ready().await?;
        let request = Request::new(String::new());
        let path = PathAndQuery::from_static("/test.Echo/Unknown");
        Ok(self.0.unary(request, path, Text).await?.into_inner())
    }

    pub(crate) async fn stream(&mut self, text: &str) -> Result<Streaming<String>, Status> {
        self.ready().await?;
        let mut request = text.to_owned().into_request();
        request
            .extensions_mut()
            .insert(GrpcMethod::new("test.Echo", "Stream"));
        let path = PathAndQuery::from_static("/test.Echo/Stream");
        Ok(self
            .0
            .server_streaming(request, path, Text)
            .await?
            .into_inner())
    }
}
