use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, routing::get as on_get};
use futures_util::{StreamExt as _, stream};
use telemetry_axum::{Health, Operations, Serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Notify, Semaphore},
};

use super::*;

async fn bound() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// The answer to a request over a new connection; `None` if the connection fails.
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
async fn connections_without_a_request_in_flight_end_at_once_and_others_finish() {
    let (arrived, go, stop) = (
        Arc::new(Notify::new()),
        Arc::new(Notify::new()),
        Arc::new(Notify::new()),
    );
    let (arrive, wait, stopping) = (arrived.clone(), go.clone(), stop.clone());
    let slow = move || async move {
        arrive.notify_one();
        wait.notified().await;
        "finished"
    };
    let telemetry = TestTelemetry::new();
    let app = layered(Router::new().route("/slow", on_get(slow)), &telemetry);
    let (listener, address) = bound().await;
    let serve = Serve::new()
        .with_grace(Duration::from_secs(600))
        .with_stop("test", async move { stopping.notified().await });
    let server = tokio::spawn(serve.run(listener, app));
    let mut unfinished = Vec::new();
    // Nothing, a part of the first line, a part of a head, a part of the preface of HTTP/2, and a whole preface.
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for sent in [
        "",
        "GE",
        "GET /slow HTTP/1.1\r\nhos",
        &preface[..9],
        preface,
    ] {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(sent.as_bytes()).await.unwrap();
        unfinished.push(client);
    }
    // A second head on a connection that has served a request.
    let mut kept = TcpStream::connect(address).await.unwrap();
    let request = b"GET /none HTTP/1.1\r\nhost: a\r\n\r\nGET /slow HT";
    kept.write_all(request).await.unwrap();
    let mut first = [0; 64];
    assert!(kept.read(&mut first).await.unwrap() > 0);
    unfinished.push(kept);
    let request = tokio::spawn(async move { asked(address, "/slow").await });
    arrived.notified().await;

    stop.notify_one();
    for mut client in unfinished {
        let mut rest = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(5), client.read_to_end(&mut rest));
        // A reset is an end, too.
        let _ = end.await.expect("the connection ends at once");
    }
    assert!(!server.is_finished());
    go.notify_one();
    let answer = request.await.unwrap().unwrap();
    assert!(answer.ends_with("finished"), "{answer}");
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_head_that_takes_too_long_closes_its_connection() {
    let (listener, address) = bound().await;
    let app = Router::new().route("/", on_get(|| async { "hello" }));
    let serve = Serve::new().with_header_timeout(Duration::from_millis(100));
    let server = tokio::spawn(serve.run(listener, app));
    let whole = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    for sent in [
        "",
        "GE",
        "GET / HTTP/1.1\r\nhos",
        "PRI * HT",
        &format!("{whole}GET / HT"),
    ] {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(sent.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(5), client.read_to_end(&mut answer));
        let _ = end.await.expect("the connection ends");
        assert_eq!(
            answer.ends_with(b"hello"),
            sent.starts_with(whole),
            "{sent:?}"
        );
    }
    assert!(asked(address, "/").await.unwrap().ends_with("hello"));
    server.abort();
}

#[tokio::test]
async fn a_slow_handler_and_a_slow_upload_are_no_slow_heads() {
    let (listener, address) = bound().await;
    let echo = |body: String| async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        body
    };
    let app = Router::new().route("/", axum::routing::post(echo));
    let serve = Serve::new().with_header_timeout(Duration::from_millis(100));
    let server = tokio::spawn(serve.run(listener, app));
    let mut client = TcpStream::connect(address).await.unwrap();
    let head = "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 4\r\n\r\nab";
    client.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    client.write_all(b"cd").await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("abcd"), "{answer}");
    server.abort();
}

#[tokio::test]
async fn the_server_warns_once_of_a_response_that_no_layer_saw() {
    let telemetry = TestTelemetry::new();
    let _current = telemetry.set_default();
    let routes = Router::new().route("/seen", on_get(|| async { "seen" }));
    let app = layered(routes, &telemetry)
        .merge(Operations::new())
        .route("/late", on_get(|| async { "late" }))
        .route("/later", on_get(|| async { "later" }));
    let (listener, address) = bound().await;
    let server = tokio::spawn(Serve::new().run(listener, app));
    let warnings = || {
        let logs = telemetry.logs();
        let warnings = logs
            .iter()
            .filter(|log| log.message.contains("TelemetryLayer"));
        let paths = warnings.map(|log| log.field("path").map(|path| format!("{path:?}")));
        paths.collect::<Vec<_>>()
    };
    for path in ["/seen", "/livez", "/readyz", "/metrics"] {
        asked(address, path).await.unwrap();
    }
    assert_eq!(warnings().len(), 0, "{:?}", warnings());
    for path in ["/late", "/later", "/late"] {
        asked(address, path).await.unwrap();
    }
    let all = warnings();
    assert!(
        all.len() == 1 && all[0].as_ref().unwrap().contains("/late"),
        "{all:?}"
    );
    server.abort();
}

#[cfg(unix)]
#[tokio::test]
async fn requests_over_a_unix_socket_name_it() {
    let telemetry = TestTelemetry::new();
    let routes = Router::new().route("/", on_get(|| async { "hello" }));
    let path = std::env::temp_dir().join(format!("telemetry-axum-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let server = tokio::spawn(telemetry_axum::serve(listener, layered(routes, &telemetry)));
    let mut client = tokio::net::UnixStream::connect(&path).await.unwrap();
    let request = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("hello"), "{answer}");
    telemetry.wait_for_spans(1).await;
    let shown = [
        "network.transport",
        "server.address",
        "server.port",
        "network.local.address",
    ];
    let path = path.display();
    assert_eq!(
        telemetry.tree(&shown),
        format!("SERVER GET / network.transport=\"unix\" server.address=\"{path}\"\n")
    );
    server.abort();
}

/// A router whose requests never end, in the handler or in the body, and a semaphore that counts those that have begun.
fn endless(telemetry: &TestTelemetry) -> (Router, Arc<Semaphore>) {
    let begun = Arc::new(Semaphore::new(0));
    let (in_handler, in_body) = (begun.clone(), begun.clone());
    let routes = Router::new()
        .route(
            "/handler",
            on_get(move || async move {
                in_handler.add_permits(1);
                std::future::pending::<&'static str>().await
            }),
        )
        .route(
            "/body",
            on_get(|| async move {
                let first = stream::once(async move {
                    in_body.add_permits(1);
                    Ok::<_, std::io::Error>(axum::body::Bytes::from("first"))
                });
                Body::from_stream(first.chain(stream::pending()))
            }),
        );
    (layered(routes, telemetry), begun)
}

#[tokio::test]
async fn requests_that_never_finish_have_ended_when_the_service_has() {
    let telemetry = TestTelemetry::new();
    let (app, begun) = endless(&telemetry);
    let (listener, address) = bound().await;
    let health = Health::new();
    let serve = Serve::new()
        .with_health(health.clone())
        .with_drain_delay(Duration::from_millis(20))
        .with_grace(Duration::from_millis(20))
        .with_stop("test", async move {
            let _ = begun.acquire_many(4).await.unwrap();
        });
    let started = Instant::now();
    let clients =
        ["/handler", "/body"].map(|path| tokio::spawn(async move { asked(address, path).await }));
    // Each stream of HTTP/2 has its own task, beside the task of the connection.
    let multiplexed = tokio::spawn(async move {
        let connection = TcpStream::connect(address).await.unwrap();
        let (client, connection) = h2::client::handshake(connection).await.unwrap();
        let connection = tokio::spawn(connection);
        let mut client = client.ready().await.unwrap();
        let mut streams = Vec::new();
        for path in ["/handler", "/body"] {
            let request = Request::get(format!("http://shop{path}")).body(()).unwrap();
            streams.push(client.send_request(request, true).unwrap());
        }
        let _ = connection.await;
    });
    serve.run(listener, app).await.unwrap();
    // Without waiting: an application shuts telemetry down right after `run`.
    let mut spans: Vec<_> = telemetry
        .tree(&["telemetry.outcome"])
        .lines()
        .map(str::to_owned)
        .collect();
    spans.sort();
    let expected = ["/body", "/body", "/handler", "/handler"]
        .map(|path| format!("SERVER GET {path} telemetry.outcome=\"client_disconnected\""));
    assert_eq!(spans, expected);
    assert_eq!(active(&telemetry), Some(0.0));
    assert!(health.is_draining());
    assert!(started.elapsed() >= Duration::from_millis(40));
    for client in clients {
        client.await.unwrap();
    }
    multiplexed.abort();
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
