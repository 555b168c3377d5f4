//! retail-web as a process.

// Clippy knows test functions, not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, extract::Request, middleware::Next};
use retail_api::{database, router_with};
use serde_json::{Value, json};
use telemetry_axum::{Operations, TelemetryLayer};
use telemetry_tests::process::Process;
use telemetry_viewer::{LogFilter, TraceFilter, TreeStyle, Viewer, ViewerOptions};
use tokio::{net::TcpListener, sync::Notify};

const PROGRAM: &str = env!("CARGO_BIN_EXE_retail-web");

/// retail-api, whose charges wait until they are let go.
async fn slow_api(
    directory: &std::path::Path,
    arrived: Arc<Notify>,
    go: Arc<Notify>,
) -> SocketAddr {
    let pool = database::open(&directory.join("retail.db")).await.unwrap();
    let routes: Router = router_with(pool, TelemetryLayer::new(), Operations::new());
    let wait = axum::middleware::from_fn(move |request: Request, next: Next| {
        let (arrived, go) = (arrived.clone(), go.clone());
        async move {
            if request.uri().path() == "/payment/charge" {
                arrived.notify_one();
                go.notified().await;
            }
            next.run(request).await
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes.layer(wait)).await });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_during_sigterm_finishes_and_is_flushed() {
    let viewer = Viewer::start(ViewerOptions::ephemeral()).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let (arrived, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let api = format!(
        "http://{}",
        slow_api(directory.path(), arrived.clone(), go.clone()).await
    );
    let arguments = ["--listen", "127.0.0.1:0", "--api", &api];
    let endpoint = viewer.http_endpoint();
    // Long intervals: what arrives was flushed at the end.
    let environment = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "600000"),
    ];
    let mut process = Process::start(PROGRAM, arguments, &environment).unwrap();
    let address = process.address().unwrap();

    let checkout = tokio::spawn(async move {
        let body = json!({ "sku": "SKU-1", "quantity": 1, "card": "tok_visa" });
        let request = reqwest::Client::new().post(format!("http://{address}/checkout/execute"));
        let response = request
            .header("x-correlation-id", "last-one")
            .json(&body)
            .send()
            .await
            .unwrap();
        (
            response.status().as_u16(),
            response.json::<Value>().await.unwrap(),
        )
    });
    arrived.notified().await;
    process.terminate().unwrap();
    assert!(process.line("finishing the requests in flight").is_some());
    go.notify_one();

    let (status, receipt) = checkout.await.unwrap();
    assert_eq!(status, 200, "{receipt}");
    let ended = process.end().unwrap();
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(0), ""),
        "{ended:?}"
    );
    let traces = viewer
        .store()
        .traces(&TraceFilter::correlation_id("last-one"));
    let tree = traces[0].render(&TreeStyle::plain());
    assert_eq!(tree.lines().count(), 8, "{tree}");
    let logs = viewer.store().logs(&LogFilter::correlation_id("last-one"));
    assert!(
        logs.iter().any(|log| log
            .body
            .as_ref()
            .is_some_and(|body| *body == *"checkout completed")),
        "{logs:?}"
    );
}
