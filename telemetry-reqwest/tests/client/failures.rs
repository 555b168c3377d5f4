//! Failures, and their `error.type` on span and metric.

use std::{io::Write as _, sync::Arc};

use telemetry_pipeline::testing::TestTelemetry;
use telemetry_reqwest::SpanEnd;
use tokio::{io::AsyncReadExt, net::TcpListener};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use crate::{SHOWN, SOON, answer, client, client_with, listen, middleware};

#[tokio::test]
async fn failures_have_a_bounded_error_type_and_tell_no_url() {
    let telemetry = TestTelemetry::new();
    let client = client(&telemetry);
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    assert!(
        client
            .get(format!("http://{free}/?sig=secret"))
            .send()
            .await
            .is_err()
    );
    assert!(
        client
            .get("http://no-such-host.invalid/")
            .send()
            .await
            .is_err()
    );

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    assert!(client.get(&url).timeout(SOON).send().await.is_err());
    // Accepts the two connections of the kernel's backlog, reads, and closes without an answer.
    let hang_up = async {
        for _ in 0..2 {
            let (mut socket, _) = silent.accept().await.unwrap();
            let _ = socket.read(&mut [0; 512]).await;
        }
    };
    let (answer, ()) = tokio::join!(client.get(&url).send(), hang_up);
    assert!(answer.is_err());

    assert_eq!(
        telemetry.tree(&SHOWN),
        r#"CLIENT GET error.type="connect" ERROR
CLIENT GET error.type="dns" ERROR
CLIENT GET error.type="timeout" ERROR
CLIENT GET error.type="reset" ERROR
"#
    );
    assert!(!format!("{:?}", telemetry.spans()).contains("secret"));
    for kind in ["connect", "dns", "timeout", "reset"] {
        let metrics = telemetry.metrics();
        let series = format!("http_client_request_duration_seconds_count{{error_type=\"{kind}\"");
        assert!(metrics.contains(&series), "{metrics}");
    }
}

/// A TLS server with a self-signed certificate.
fn self_signed() -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_a_tls_failure() {
    let telemetry = TestTelemetry::new();
    let (listener, address) = listen().await;
    let acceptor = self_signed();
    let handshake = async {
        let (socket, _) = listener.accept().await.unwrap();
        assert!(acceptor.accept(socket).await.is_err());
    };
    let url = format!("https://localhost:{}/", address.port());
    let call = reqwest::Client::builder()
        .resolve("localhost", address)
        .build()
        .unwrap();
    let call = reqwest_middleware::ClientBuilder::new(call)
        .with(middleware(&telemetry))
        .build()
        .get(url)
        .send();
    let (answer, ()) = tokio::join!(call, handshake);
    assert!(answer.is_err());
    assert_eq!(
        telemetry.tree(&SHOWN),
        "CLIENT GET error.type=\"tls\" ERROR\n"
    );
    assert!(telemetry.metrics().contains("error_type=\"tls\""));
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_a_tls_failure() {
    let telemetry = TestTelemetry::new();
    let (listener, address) = listen().await;
    let url = format!("https://{address}/");
    let client = client(&telemetry);
    let (failed, _) = tokio::join!(
        client.get(url).send(),
        answer(&listener, b"HTTP/1.1 400 Bad Request\r\n\r\n")
    );
    assert!(failed.is_err());
    assert_eq!(
        telemetry.tree(&SHOWN),
        "CLIENT GET error.type=\"tls\" ERROR\n"
    );
}

#[tokio::test]
async fn a_connection_that_is_not_made_in_time_is_not_a_slow_answer() {
    let telemetry = TestTelemetry::new();
    // The kernel accepts a connection to a listener that never accepts. The TLS handshake then waits.
    let (_listener, address) = listen().await;
    let slow = reqwest::Client::builder()
        .connect_timeout(SOON)
        .build()
        .unwrap();
    let client = reqwest_middleware::ClientBuilder::new(slow)
        .with(middleware(&telemetry))
        .build();
    assert!(
        client
            .get(format!("https://{address}/"))
            .send()
            .await
            .is_err()
    );
    assert_eq!(
        telemetry.tree(&SHOWN),
        "CLIENT GET error.type=\"connect_timeout\" ERROR\n"
    );
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_reset_where_the_span_covers_it() {
    let telemetry = TestTelemetry::new();
    let (listener, address) = listen().await;
    let client = client_with(middleware(&telemetry).with_span_end(SpanEnd::Body));
    let call = async {
        let call = client.get(format!("http://{address}/")).send().await;
        call.unwrap().bytes().await
    };
    let break_off = async {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf";
        drop(answer(&listener, head).await);
    };
    let (body, ()) = tokio::join!(call, break_off);
    assert!(body.is_err());
    assert_eq!(
        telemetry.tree(&[
            "http.response.status_code",
            "http.response.body.size",
            "error.type"
        ]),
        "CLIENT GET http.response.status_code=200 http.response.body.size=4 error.type=\"reset\" ERROR\n"
    );
    assert!(telemetry.metrics().contains("error_type=\"reset\""));
}

#[tokio::test]
async fn a_body_that_is_hard_reset_is_a_reset() {
    let telemetry = TestTelemetry::new();
    let (listener, address) = listen().await;
    let client = client_with(middleware(&telemetry).with_span_end(SpanEnd::Body));
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf";
    let call = client.get(format!("http://{address}/")).send();
    let (response, socket) = tokio::join!(call, answer(&listener, head));
    socket.set_zero_linger().unwrap();
    drop(socket);
    assert!(response.unwrap().bytes().await.is_err());
    assert_eq!(
        telemetry.tree(&["error.type"]),
        "CLIENT GET error.type=\"reset\" ERROR\n"
    );
}

#[tokio::test]
async fn a_body_that_does_not_come_in_time_is_a_timeout() {
    let telemetry = TestTelemetry::new();
    let (listener, address) = listen().await;
    let client = client_with(middleware(&telemetry).with_span_end(SpanEnd::Body));
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf";
    let call = client
        .get(format!("http://{address}/"))
        .timeout(SOON * 5)
        .send();
    let (response, _socket) = tokio::join!(call, answer(&listener, head));
    let error = response.unwrap().bytes().await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!(
        telemetry.tree(&["error.type"]),
        "CLIENT GET error.type=\"timeout\" ERROR\n"
    );
}

#[tokio::test]
async fn a_body_that_cannot_be_decoded_says_so() {
    let telemetry = TestTelemetry::new();
    let (listener, address) = listen().await;
    let client = client_with(middleware(&telemetry).with_span_end(SpanEnd::Body));
    let mut bytes = Vec::new();
    write!(
        bytes,
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 8\r\n\r\nno gzip!"
    )
    .unwrap();
    let call = client.get(format!("http://{address}/")).send();
    let (response, _socket) = tokio::join!(call, answer(&listener, &bytes));
    assert!(response.unwrap().bytes().await.is_err());
    assert_eq!(
        telemetry.tree(&["error.type"]),
        "CLIENT GET error.type=\"decode\" ERROR\n"
    );
}
