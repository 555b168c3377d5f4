use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, routing::get as on_get};
use telemetry_axum::{Health, Operations, Serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use super::*;

async fn bound() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// What a request over a connection of its own is answered; none if nobody takes it.
async fn asked(address: SocketAddr, path: &str) -> Option<String> {
    let mut client = TcpStream::connect(address).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    client.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.ok()?;
    Some(answer).filter(|answer| !answer.is_empty())
}

#[tokio::test]
async fn readiness_flips_first_and_what_is_in_flight_finishes() {
    let (arrived, go, stop) = (
        Arc::new(Notify::new()),
        Arc::new(Notify::new()),
        Arc::new(Notify::new()),
    );
    let (arrive, wait) = (arrived.clone(), go.clone());
    let slow = move || async move {
        arrive.notify_one();
        wait.notified().await;
        "finished"
    };
    let telemetry = TestTelemetry::new();
    let app = layered(Router::new().route("/slow", on_get(slow)), &telemetry);
    let ((listener, address), (admin, operations_at)) = (bound().await, bound().await);
    let stopping = stop.clone();
    let serve = Serve::new()
        .with_operations(
            admin,
            Operations::new().with_providers(telemetry.providers().clone()),
        )
        .with_stop("test", async move { stopping.notified().await });
    let server = tokio::spawn(serve.run(listener, app));

    let request = tokio::spawn(async move { asked(address, "/slow").await });
    arrived.notified().await;
    let ready = asked(operations_at, "/readyz").await.unwrap();
    assert!(ready.contains(" 200 "), "{ready}");
    stop.notify_one();
    while asked(operations_at, "/readyz")
        .await
        .unwrap()
        .contains(" 200 ")
    {
        tokio::task::yield_now().await;
    }
    let draining = asked(operations_at, "/readyz").await.unwrap();
    assert!(
        draining.contains(" 503 ") && draining.contains("draining"),
        "{draining}"
    );
    let metrics = asked(operations_at, "/metrics").await.unwrap();
    assert!(metrics.contains("http_server_active_requests"), "{metrics}");
    go.notify_one();
    let answer = request.await.unwrap().unwrap();
    assert!(answer.ends_with("finished"), "{answer}");
    server.await.unwrap().unwrap();
    assert!(asked(address, "/slow").await.is_none());
}

#[tokio::test]
async fn a_request_that_never_finishes_does_not_keep_the_service() {
    let arrived = Arc::new(Notify::new());
    let arrive = arrived.clone();
    let endless = move || async move {
        arrive.notify_one();
        std::future::pending::<&'static str>().await
    };
    let telemetry = TestTelemetry::new();
    let app = layered(Router::new().route("/", on_get(endless)), &telemetry);
    let (listener, address) = bound().await;
    let health = Health::new();
    let serve = Serve::new()
        .with_health(health.clone())
        .with_drain_delay(Duration::from_millis(20))
        .with_grace(Duration::from_millis(20))
        .with_stop("test", async move { arrived.notified().await });
    let started = Instant::now();
    let client = tokio::spawn(async move { asked(address, "/").await });
    serve.run(listener, app).await.unwrap();
    assert!(health.is_draining());
    assert!(started.elapsed() >= Duration::from_millis(40));
    client.abort();
}

#[tokio::test(start_paused = true)]
async fn checks_run_at_once_and_the_slow_and_the_broken_fail() {
    let health = Health::new();
    assert_eq!(health.ready().await, Ok(()));
    health.register("good", || async { Ok::<_, String>(()) });
    health.register("slow", std::future::pending::<Result<(), String>>);
    health.register("slower", std::future::pending::<Result<(), String>>);
    health.register("broken", || async {
        if true {
            panic!("oh");
        }
        Ok::<_, String>(())
    });
    let started = tokio::time::Instant::now();
    let failures = health.ready().await.unwrap_err();
    assert_eq!(
        failures,
        "slow: no answer within 2s\nslower: no answer within 2s\nbroken: the check itself failed\n"
    );
    assert_eq!(started.elapsed(), Duration::from_secs(2));
    for name in ["slow", "slower", "broken"] {
        health.register(name, || async { Ok::<_, String>(()) });
    }
    assert_eq!(health.ready().await, Ok(()));
}
