//! retail-worker as a process: what it is told by retail-api through the outbox, and what becomes of a job when it
//! crashes.

// Clippy knows test functions, not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{path::Path, time::Duration};

use retail_api::{Worker, database};
use serde_json::{Value, json};
use telemetry_sqlx::SqlitePool;
use telemetry_tests::process::Process;
use telemetry_viewer::{LogFilter, Trace, TraceFilter, TreeStyle, Viewer, ViewerOptions};

const API: &str = env!("CARGO_BIN_EXE_retail-api");
const WORKER: &str = env!("CARGO_BIN_EXE_retail-worker");
const QUIET: [(&str, &str); 1] = [("OTEL_SDK_DISABLED", "true")];

/// A row of what the database says of the job of an order: attempts, done, confirmations.
async fn state(pool: &SqlitePool) -> Vec<(i64, i64, i64)> {
    sqlx::query_as(
        "SELECT attempts, done, (SELECT count(*) FROM confirmations c WHERE c.order_id = o.order_id)
         FROM outbox o ORDER BY id",
    )
    .fetch_all(pool.inner())
    .await
    .unwrap()
}

/// Orders with their jobs, as retail-api leaves them.
async fn orders(pool: &SqlitePool, count: i64) {
    for id in 1..=count {
        for statement in [
            "INSERT INTO payments (id, amount_cents, card) VALUES (?1, 100, 'tok_visa')",
            "INSERT INTO orders (id, sku, quantity, payment_id) VALUES (?1, 'SKU-1', 1, ?1)",
            "INSERT INTO outbox (order_id, context) VALUES (?1, 'not a context')",
        ] {
            let query = sqlx::query(statement).bind(id);
            query.execute(pool.inner()).await.unwrap();
        }
    }
}

fn worker(database: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Process {
    let database = ["--database", database.to_str().unwrap(), "--poll", "10"];
    Process::start(WORKER, database.iter().chain(arguments), environment).unwrap()
}

async fn post(url: String, body: Value) -> Value {
    let request = reqwest::Client::new()
        .post(url)
        .header("x-correlation-id", "abc-123")
        .header(
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
        .header("baggage", "user.hash=abc,user.roles=gold")
        .json(&body);
    request.send().await.unwrap().json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_is_part_of_the_order_in_another_process() {
    let viewer = Viewer::start(ViewerOptions::ephemeral()).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("retail.db");
    let endpoint = viewer.http_endpoint();
    let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())];
    let arguments = [
        "--listen",
        "127.0.0.1:0",
        "--database",
        database.to_str().unwrap(),
    ];
    let mut api = Process::start(API, arguments, &environment).unwrap();
    let base = format!("http://{}", api.address().unwrap());
    let mut worker = worker(&database, &[], &environment);

    let charge = json!({ "amount_cents": 100, "card": "tok_visa" });
    let payment = post(format!("{base}/payment/charge"), charge).await;
    let order = json!({ "sku": "SKU-1", "quantity": 1, "payment_id": payment["payment_id"] });
    let order = post(format!("{base}/orders"), order).await;
    let line = worker.line("order confirmed").unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["order_id"], order["order_id"]);
    assert_eq!(line["correlation_id"], "abc-123");
    assert_eq!(line["user.roles"], json!(["gold"]));
    for process in [api, worker] {
        process.terminate().unwrap();
        assert_eq!(process.end().unwrap().code, Some(0));
    }

    let traces = viewer
        .store()
        .traces(&TraceFilter::correlation_id("abc-123"));
    assert_eq!(traces.len(), 1);
    let trace = &traces[0];
    let sent = trace.span_named("send order-confirmations").unwrap();
    let processed = trace.span_named("process order-confirmations").unwrap();
    assert_eq!(processed.parent_span_id, Some(sent.span_id));
    let links: Vec<_> = processed.links.iter().map(|link| link.span_id).collect();
    assert_eq!(links, [sent.span_id]);
    let below: Vec<_> = trace
        .spans
        .iter()
        .filter(|span| span.service == "retail-worker" && span.name != "pool.acquire")
        .cloned()
        .collect();
    let style = TreeStyle::plain().with_attributes(["messaging.system", "user.roles"]);
    assert_eq!(
        Trace::new(trace.trace_id, below).render(&style),
        format!(
            "process order-confirmations [retail-worker] CONSUMER messaging.system=outbox user.roles=[gold] \
             (parent {} not received)\n\
             ├─ Deliver_Confirmation [retail-worker] INTERNAL\n\
             ├─ BEGIN [retail-worker] CLIENT\n\
             ├─ UPDATE outbox [retail-worker] CLIENT\n\
             ├─ INSERT confirmations [retail-worker] CLIENT\n\
             └─ COMMIT [retail-worker] CLIENT\n",
            sent.span_id
        )
    );
    // Looking for work is no trace.
    assert_eq!(viewer.store().traces(&TraceFilter::default()).len(), 1);
    let logs = viewer.store().logs(&LogFilter::correlation_id("abc-123"));
    let lines = logs
        .iter()
        .filter(|record| record.service == "retail-worker");
    assert_eq!(lines.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_half_way_leaves_the_job_to_be_done_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("retail.db");
    let pool = database::open(&path).await.unwrap();
    orders(&pool, 1).await;
    let mut crashing = worker(&path, &["--lease", "200", "--delivery", "600000"], &QUIET);
    crashing.line("confirming order").unwrap();
    // Killed, as the system does it.
    drop(crashing);
    assert_eq!(state(&pool).await, [(1, 0, 0)]);

    let mut next = worker(&path, &["--lease", "60000"], &QUIET);
    let line = next.line("order confirmed").unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["attempt"], 2);
    assert_eq!(state(&pool).await, [(2, 1, 1)]);
    next.terminate().unwrap();
    assert_eq!(next.end().unwrap().code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_workers_confirm_each_order_once_also_when_leases_end_too_early() {
    let directory = tempfile::tempdir().unwrap();
    let pool = database::open(&directory.path().join("retail.db"))
        .await
        .unwrap();
    orders(&pool, 10).await;
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..3 {
        // A lease that has ended before the delivery: others take the job, too.
        let worker = Worker::new(pool.clone(), Duration::ZERO, Duration::from_millis(5));
        workers.spawn(async move { while worker.next().await.unwrap() {} });
    }
    workers.join_all().await;
    for (attempts, done, confirmations) in state(&pool).await {
        assert!(attempts >= 1);
        assert_eq!((done, confirmations), (1, 1));
    }
}
