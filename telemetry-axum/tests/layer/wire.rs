//! Real connections: upgrades, event streams, HTTP/2, and servers without axum.

use std::{convert::Infallible, net::SocketAddr};

use axum::{Router, body::Bytes, routing::get as on_get};
use futures_util::{StreamExt as _, stream};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use telemetry_api::task::{InCurrentContext as _, each_in_current_context};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;

const SHOWN: [&str; 4] = [
    "network.protocol.version",
    "http.response.status_code",
    "error.type",
    "telemetry.outcome",
];

async fn served(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Waits for this number of spans, and returns their tree.
async fn ended(telemetry: &TestTelemetry, spans: usize) -> String {
    telemetry.wait_for_spans(spans).await;
    telemetry.tree(&SHOWN)
}

/// Echoes the bytes that arrive after the upgrade.
async fn upgrade(request: Request<Body>) -> Response<Body> {
    tokio::spawn(async move {
        let upgraded = hyper::upgrade::on(request).await.unwrap();
        let (mut read, mut write) = tokio::io::split(TokioIo::new(upgraded));
        let _ = tokio::io::copy(&mut read, &mut write).await;
    });
    Response::builder()
        .status(101)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .body(Body::empty())
        .unwrap()
}

#[tokio::test]
async fn an_upgrade_ends_the_request_and_leaves_the_connection_alone() {
    let telemetry = TestTelemetry::new();
    let app = layered(Router::new().route("/ws", on_get(upgrade)), &telemetry);
    let mut client = TcpStream::connect(served(app).await).await.unwrap();
    let request =
        "GET /ws HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    client.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(
        head.contains(" 101 ") && head.contains("x-correlation-id"),
        "{head}"
    );
    client.write_all(b"ping").await.unwrap();
    let mut echo = [0; 4];
    client.read_exact(&mut echo).await.unwrap();
    assert_eq!(&echo, b"ping");
    let expected =
        "SERVER GET /ws network.protocol.version=\"1.1\" http.response.status_code=101\n";
    assert_eq!(ended(&telemetry, 1).await, expected);
    assert_eq!(active(&telemetry), Some(0.0));
}

/// Calls the callback in a task of its own when the connection is upgraded, as the `on_upgrade` of axum does.
fn on_upgrade<F>(request: Request<Body>, callback: impl FnOnce(usize) -> F + Send + 'static)
where
    F: Future<Output = ()> + Send,
{
    tokio::spawn(async move {
        let mut upgraded = TokioIo::new(hyper::upgrade::on(request).await.unwrap());
        let length = upgraded.read(&mut [0; 4]).await.unwrap();
        callback(length).await;
        upgraded.write_all(b"done").await.unwrap();
    });
}

#[tokio::test]
async fn the_callback_of_an_upgrade_works_in_the_context_of_its_handshake() {
    let telemetry = TestTelemetry::new();
    let handler = async move |request: Request<Body>| {
        let chat = |_| async {
            let step = telemetry_api::step("Chat").run(async { Ok::<_, std::fmt::Error>(()) });
            step.await.unwrap();
        };
        let callback = each_in_current_context(move |length| chat(length).in_current_context());
        on_upgrade(request, callback);
        Response::builder()
            .status(101)
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .body(Body::empty())
            .unwrap()
    };
    let _current = telemetry.set_default();
    let app = layered(Router::new().route("/ws", on_get(handler)), &telemetry);
    let mut client = TcpStream::connect(served(app).await).await.unwrap();
    let request =
        "GET /ws HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    client.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    client.write_all(b"ping").await.unwrap();
    client.read_exact(&mut [0; 4]).await.unwrap();
    telemetry.wait_for_spans(2).await;
    assert_eq!(telemetry.tree(&[]), "SERVER GET /ws\n  INTERNAL Chat\n");
}

fn events() -> Router {
    let endless = || async {
        let events = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from("data: x\n\n")));
        let paced = events.then(|event| async {
            tokio::task::yield_now().await;
            event
        });
        (
            [("content-type", "text/event-stream")],
            Body::from_stream(paced),
        )
    };
    Router::new()
        .route("/events", on_get(endless))
        .route("/whole", on_get(|| async { "whole" }))
}

#[tokio::test]
async fn an_event_stream_lasts_until_its_reader_goes() {
    let telemetry = TestTelemetry::new();
    let address = served(layered(events(), &telemetry)).await;
    let mut client = TcpStream::connect(address).await.unwrap();
    let request = "GET /events HTTP/1.1\r\nhost: a\r\n\r\n";
    client.write_all(request.as_bytes()).await.unwrap();
    let mut some = [0; 512];
    client.read_exact(&mut some).await.unwrap();
    assert_eq!(active(&telemetry), Some(1.0));
    drop(client);
    assert_eq!(
        ended(&telemetry, 1).await,
        "SERVER GET /events network.protocol.version=\"1.1\" http.response.status_code=200 telemetry.outcome=\"client_disconnected\"\n"
    );
    assert_eq!(active(&telemetry), Some(0.0));
}

#[tokio::test]
async fn a_reset_of_an_http_2_stream_ends_its_request_and_no_other() {
    let telemetry = TestTelemetry::new();
    let address = served(layered(events(), &telemetry)).await;
    let connection = TcpStream::connect(address).await.unwrap();
    let (client, connection) = h2::client::handshake(connection).await.unwrap();
    tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let request = |path: &str| Request::get(format!("http://shop{path}")).body(()).unwrap();

    let (response, mut stream) = client.send_request(request("/events"), true).unwrap();
    let mut body = response.await.unwrap().into_body();
    body.data().await.unwrap().unwrap();
    stream.send_reset(h2::Reason::CANCEL);
    let mut client = client.ready().await.unwrap();
    let (response, _) = client.send_request(request("/whole"), true).unwrap();
    let mut body = response.await.unwrap().into_body();
    assert_eq!(body.data().await.unwrap().unwrap(), "whole");
    let expected = [
        "SERVER GET /events network.protocol.version=\"2\" http.response.status_code=200 telemetry.outcome=\"client_disconnected\"\n",
        "SERVER GET /whole network.protocol.version=\"2\" http.response.status_code=200\n",
    ];
    assert_eq!(ended(&telemetry, 2).await, expected.concat());
    assert_eq!(active(&telemetry), Some(0.0));
}

#[tokio::test]
async fn a_hyper_server_without_axum_is_instrumented_alike() {
    let telemetry = TestTelemetry::new();
    let layer = TelemetryLayer::new().with_providers(telemetry.providers().clone());
    let service = tower::service_fn(|_: Request<hyper::body::Incoming>| async {
        Ok::<_, Infallible>(Response::new(http_body_util::Full::new(Bytes::from("hi"))))
    });
    let service = tower::Layer::layer(&layer, service);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let server = auto::Builder::new(TokioExecutor::new());
        let service = TowerToHyperService::new(service);
        let _ = server.serve_connection(TokioIo::new(stream), service).await;
    });
    let mut client = TcpStream::connect(address).await.unwrap();
    let request = "GET /any HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("x-correlation-id: "), "{answer}");
    assert_eq!(
        ended(&telemetry, 1).await,
        "SERVER GET network.protocol.version=\"1.1\" http.response.status_code=200\n"
    );
}

/// The answer to this text over a new connection.
async fn exchanged(address: SocketAddr, request: &str) -> String {
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn bodies_that_the_server_drops_because_nothing_is_to_be_sent_are_complete() {
    let telemetry = TestTelemetry::new();
    // A body as a proxy relays it: it does not know that its stream is at its end.
    let relayed = || Body::from_stream(stream::iter([] as [Result<Bytes, Infallible>; 0]));
    let empty = move || async move { ([("content-length", "0")], relayed()) };
    let short = move || async move {
        let chunk = Ok::<_, Infallible>(Bytes::from("half"));
        let body = stream::iter([chunk]).chain(stream::pending());
        ([("content-length", "9")], Body::from_stream(body))
    };
    let tunnel = move |method: http::Method| async move {
        match method {
            http::Method::CONNECT => relayed(),
            _ => Body::empty(),
        }
    };
    let app = Router::new()
        .route("/empty", on_get(empty))
        .route("/short", on_get(short))
        .fallback(tunnel);
    let address = served(layered(app, &telemetry)).await;
    let answer = exchanged(
        address,
        "GET /empty HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.contains("content-length: 0"), "{answer}");
    ended(&telemetry, 1).await;
    // After CONNECT the connection is a tunnel, and there is no server behind it.
    let mut tunnel = TcpStream::connect(address).await.unwrap();
    let connect = b"CONNECT shop.example:443 HTTP/1.1\r\nhost: shop.example:443\r\n\r\n";
    tunnel.write_all(connect).await.unwrap();
    ended(&telemetry, 2).await;
    let mut client = TcpStream::connect(address).await.unwrap();
    let request = b"GET /short HTTP/1.1\r\nhost: a\r\n\r\n";
    client.write_all(request).await.unwrap();
    client.read_u8().await.unwrap();
    drop(client);
    assert_eq!(
        ended(&telemetry, 3).await,
        r#"SERVER GET /empty network.protocol.version="1.1" http.response.status_code=200
SERVER CONNECT network.protocol.version="1.1" http.response.status_code=200
SERVER GET /short network.protocol.version="1.1" http.response.status_code=200 telemetry.outcome="client_disconnected"
"#
    );
}
