//! Uploads that the client cuts off, by each extractor, over HTTP/1.1 and HTTP/2.

use std::net::SocketAddr;

use axum::{
    Json,
    body::Bytes,
    extract::{DefaultBodyLimit, Multipart},
    routing::post,
};
use telemetry_axum::Serve;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;

const SHOWN: [&str; 3] = [
    "http.response.status_code",
    "error.type",
    "telemetry.outcome",
];

const MULTIPART: &str = "multipart/form-data; boundary=b";

async fn multipart(mut form: Multipart) -> Result<(), axum::extract::multipart::MultipartError> {
    while let Some(field) = form.next_field().await? {
        field.bytes().await?;
    }
    Ok(())
}

/// A handler that reads the body itself, and answers a failure with 500.
async fn by_hand(body: Body) -> http::StatusCode {
    match body.collect().await {
        Ok(_) => http::StatusCode::OK,
        Err(_) => http::StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Sends the body of the request back while it arrives.
async fn echo(body: Body) -> Body {
    body
}

async fn served(telemetry: &TestTelemetry) -> SocketAddr {
    let routes = Router::new()
        .route("/multipart", post(multipart))
        .route("/bytes", post(|_: Bytes| async {}))
        .route("/string", post(|_: String| async {}))
        .route("/json", post(|_: Json<serde_json::Value>| async {}))
        .route("/hand", post(by_hand))
        .route("/echo", post(echo))
        .layer(DefaultBodyLimit::max(1_000));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(Serve::new().run(listener, layered(routes, telemetry)));
    address
}

fn kind(path: &str) -> &'static str {
    match path {
        "/multipart" => MULTIPART,
        "/json" => "application/json",
        _ => "text/plain",
    }
}

const HALF: &str = "--b\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\nhalf";

/// Sends a head and a part of the body, and leaves. Half of a connection may stay open, as with a client that waits.
async fn cut_off(address: SocketAddr, path: &str, framing: &str, body: &str, leaves_whole: bool) {
    let mut client = TcpStream::connect(address).await.unwrap();
    let kind = kind(path);
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: {kind}\r\n{framing}\r\n\r\n{body}"
    );
    client.write_all(head.as_bytes()).await.unwrap();
    if !leaves_whole {
        client.shutdown().await.unwrap();
        let _ = client.read_to_end(&mut Vec::new()).await;
    }
}

const PATHS: [&str; 6] = ["/multipart", "/bytes", "/string", "/json", "/hand", "/echo"];

#[tokio::test]
async fn an_upload_that_is_cut_off_is_the_clients_end_and_no_error() {
    let telemetry = TestTelemetry::new();
    let address = served(&telemetry).await;
    let chunked = format!("{:x}\r\n{HALF}\r\n", HALF.len());
    for path in PATHS {
        for leaves_whole in [true, false] {
            for (framing, body) in [
                ("content-length: 500", HALF),
                ("transfer-encoding: chunked", chunked.as_str()),
            ] {
                cut_off(address, path, framing, body, leaves_whole).await;
                telemetry.wait_for_spans(1).await;
                let tree = telemetry.tree(&["error.type", "telemetry.outcome"]);
                let expected =
                    format!("SERVER POST {path} telemetry.outcome=\"client_disconnected\"\n");
                assert_eq!(tree, expected, "{path} {framing} {leaves_whole}");
                telemetry.reset();
            }
        }
    }
    let metrics = telemetry.metrics();
    assert!(!metrics.contains("error_type"), "{metrics}");
    assert!(!metrics.contains("status_code=\"500\""), "{metrics}");
}

#[tokio::test]
async fn the_same_over_http_2() {
    let telemetry = TestTelemetry::new();
    let address = served(&telemetry).await;
    for path in PATHS {
        for declared in [true, false] {
            for reset in [true, false] {
                let connection = TcpStream::connect(address).await.unwrap();
                let (client, connection) = h2::client::handshake(connection).await.unwrap();
                let connection = tokio::spawn(connection);
                let mut client = client.ready().await.unwrap();
                let mut request =
                    Request::post(format!("http://shop{path}")).header("content-type", kind(path));
                if declared {
                    request = request.header("content-length", "500");
                }
                let request = request.body(()).unwrap();
                let (response, mut stream) = client.send_request(request, false).unwrap();
                stream.send_data(Bytes::from(HALF), false).unwrap();
                // The data is on its way before the stream ends.
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                if reset {
                    stream.send_reset(h2::Reason::CANCEL);
                } else {
                    connection.abort();
                }
                telemetry.wait_for_spans(1).await;
                let tree = telemetry.tree(&["error.type", "telemetry.outcome"]);
                let expected =
                    format!("SERVER POST {path} telemetry.outcome=\"client_disconnected\"\n");
                assert_eq!(tree, expected, "{path} declared {declared} reset {reset}");
                telemetry.reset();
                drop((response, stream, client));
            }
        }
    }
}

/// The status of the answer to a whole request over HTTP/1.1.
async fn whole(address: SocketAddr, path: &str, framing: &str, body: &str) -> String {
    let mut client = TcpStream::connect(address).await.unwrap();
    let kind = kind(path);
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: {kind}\r\n{framing}\r\n\r\n{body}"
    );
    client.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = client.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn bodies_that_are_too_large_or_malformed_stay_errors_of_the_caller() {
    let telemetry = TestTelemetry::new();
    let address = served(&telemetry).await;
    let large = "x".repeat(2_000);
    let large_form = format!("{HALF}{large}\r\n--b--\r\n");
    for (path, body, status) in [
        ("/bytes", large.as_str(), 413),
        ("/multipart", large_form.as_str(), 413),
        ("/json", "{\"half\":", 400),
        // The body is whole, and the form in it is not.
        ("/multipart", HALF, 400),
    ] {
        let framing = format!("content-length: {}", body.len());
        let answer = whole(address, path, &framing, body).await;
        assert!(answer.contains(&format!(" {status} ")), "{path}: {answer}");
        telemetry.wait_for_spans(1).await;
        let expected = format!("SERVER POST {path} http.response.status_code={status}\n");
        assert_eq!(telemetry.tree(&SHOWN), expected);
        telemetry.reset();
    }
}
