//! The effect of a signal on a service. It has its own binary, because a signal reaches the whole process.

// Clippy allows these in test functions, but not in their helpers.
#![allow(clippy::unwrap_used)]
#![cfg(unix)]

use std::{net::SocketAddr, process::Command, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use telemetry_axum::{Operations, Serve, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

async fn asked(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut client = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    client.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    client.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn a_signal_makes_the_service_unready_while_it_still_takes_requests_and_a_later_one_ends_it()
{
    let arrived = Arc::new(Notify::new());
    let arrive = arrived.clone();
    let endless = move || async move {
        arrive.notify_one();
        std::future::pending::<&'static str>().await
    };
    // The server and the operations share no health: only the signal connects them.
    let app = Router::new()
        .route("/", get(endless))
        .merge(Operations::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let drained = Serve::new()
        .with_drain_delay(Duration::from_secs(600))
        .run(listener, app);
    let server = tokio::spawn(drained);
    let client = tokio::spawn(async move { asked(address, "/").await });
    arrived.notified().await;
    assert!(asked(address, "/readyz").await.unwrap().contains(" 200 "));

    signal("-TERM");
    while !asked(address, "/readyz").await.unwrap().contains(" 503 ") {
        tokio::task::yield_now().await;
    }
    assert!(asked(address, "/livez").await.unwrap().contains(" 200 "));
    // `timeout` and process managers send the same signal twice.
    signal("-TERM");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert!(!server.is_finished());
    assert!(asked(address, "/livez").await.unwrap().contains(" 200 "));
    signal("-TERM");
    server.await.unwrap().unwrap();
    client.await.unwrap().unwrap();

    // SIGINT, which a terminal sends for Ctrl-C, has the same effect.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/", get(|| async { "hello" }));
    let server = tokio::spawn(serve(listener, app));
    assert!(asked(address, "/").await.unwrap().ends_with("hello"));
    signal("-INT");
    server.await.unwrap().unwrap();
    assert!(asked(address, "/").await.is_err());
}

fn signal(signal: &str) {
    let process = std::process::id().to_string();
    let sent = Command::new("kill").args([signal, &process]).status();
    assert!(sent.unwrap().success());
}
