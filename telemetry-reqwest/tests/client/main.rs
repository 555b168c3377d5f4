//! The middleware against real servers on loopback, with telemetry in memory.

// Clippy's `allow-*-in-tests` covers test functions, not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cancellation;
mod failures;
mod http2;
mod lifetime;
mod metrics;
mod panics;
mod propagation;
mod redirects;
mod resends;
mod spans;

use std::{net::SocketAddr, time::Duration};

use axum::{Router, extract::Request as ServerRequest, http::StatusCode, routing::get};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use telemetry_pipeline::testing::TestTelemetry;
use telemetry_reqwest::TelemetryMiddleware;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const SHOWN: [&str; 4] = [
    "http.request.resend_count",
    "http.response.status_code",
    "error.type",
    "telemetry.outcome",
];

fn middleware(telemetry: &TestTelemetry) -> TelemetryMiddleware {
    TelemetryMiddleware::new().with_providers(telemetry.providers().clone())
}

fn client_with(middleware: TelemetryMiddleware) -> ClientWithMiddleware {
    ClientBuilder::new(reqwest::Client::new())
        .with(middleware)
        .build()
}

fn client(telemetry: &TestTelemetry) -> ClientWithMiddleware {
    client_with(middleware(telemetry))
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn serve(app: Router) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Answers `/status/{code}` with that status, and any other path with the received headers, one per line.
async fn server() -> SocketAddr {
    let headers = |request: ServerRequest| async move {
        let lines = request
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap_or("?")));
        lines.collect::<String>()
    };
    let app =
        Router::new()
            .route(
                "/status/{code}",
                get(|code: axum::extract::Path<u16>| async move {
                    StatusCode::from_u16(*code).unwrap()
                }),
            )
            .fallback(headers);
    serve(app).await
}

/// Answers one connection with these bytes, and then acts as told.
async fn answer(listener: &TcpListener, bytes: &[u8]) -> TcpStream {
    let (mut socket, _) = listener.accept().await.unwrap();
    let _ = socket.read(&mut [0; 4096]).await;
    socket.write_all(bytes).await.unwrap();
    socket
}

/// Long enough for the loopback interface, short enough for a test.
const SOON: Duration = Duration::from_millis(20);
