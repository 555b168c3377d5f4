//! What 100,000 spans cost those who look, and what two readers cost those who send.
//!
//! It prints a table, and fails if a figure is above its bound: `cargo bench -p telemetry-viewer`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for measuring prints, and ends at the first fault"
)]

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use telemetry_viewer::{Viewer, ViewerOptions};

const SPANS_PER_TRACE: u64 = 10;
/// The spans of the long trace; all others stand in short ones.
const LONG: u64 = 5_000;
const SPANS: u64 = 100_000;
const EXPORTS: usize = 300;

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value.into())),
        }),
        ..KeyValue::default()
    }
}

fn span(trace: u64, id: u64, parent: u64) -> Span {
    let start = 1_700_000_000_000_000_000 + trace * 1_000_000 + id * 10_000;
    let statement = "SELECT quantity, unit_price_cents FROM inventory WHERE sku = $1";
    Span {
        trace_id: u128::from(trace + 1).to_be_bytes().to_vec(),
        span_id: (id + 1).to_be_bytes().to_vec(),
        parent_span_id: match parent {
            0 => Vec::new(),
            parent => parent.to_be_bytes().to_vec(),
        },
        name: format!("GET /items/{id}"),
        kind: if parent == 0 { 2 } else { 3 },
        start_time_unix_nano: start,
        end_time_unix_nano: start + 500_000,
        attributes: vec![
            text("http.request.method", "GET"),
            text("http.route", "/items/{id}"),
            text("url.path", "/items/17"),
            text("db.query.text", statement),
            text("server.address", "127.0.0.1"),
            text("user_agent.original", "figures/1.0"),
        ],
        ..Span::default()
    }
}

fn request(spans: Vec<Span>) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![text("service.name", "shop")],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

/// A trace of spans that hang below the first.
fn trace(trace: u64, spans: u64) -> Vec<Span> {
    (0..spans)
        .map(|id| span(trace, id, u64::from(id > 0)))
        .collect()
}

fn fill(viewer: &Viewer) {
    let store = viewer.store();
    let short = (SPANS - LONG) / SPANS_PER_TRACE;
    for first in (0..short).step_by(50) {
        let traces = first..(first + 50).min(short);
        let spans = traces.flat_map(|id| trace(id, SPANS_PER_TRACE)).collect();
        assert_eq!(store.add_traces(request(spans)), 0);
    }
    assert_eq!(store.add_traces(request(trace(short, LONG))), 0);
    assert_eq!(store.counts().spans as u64, SPANS);
}

async fn get(client: &reqwest::Client, address: &str) -> Duration {
    let start = Instant::now();
    let response = client.get(address).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap();
    start.elapsed()
}

fn median(mut durations: Vec<Duration>) -> Duration {
    durations.sort_unstable();
    durations[durations.len() / 2]
}

async fn page(viewer: &Viewer, path: &str) -> Duration {
    let client = reqwest::Client::new();
    let address = format!("{}{path}", viewer.http_endpoint());
    let mut durations = Vec::new();
    for _ in 0..21 {
        durations.push(get(&client, &address).await);
    }
    median(durations)
}

/// The median of exports of 50 spans while so many readers load the list again and again.
async fn export(viewer: &Viewer, readers: usize) -> Duration {
    let stop = Arc::new(AtomicBool::new(false));
    let list = format!("{}/", viewer.http_endpoint());
    let reading: Vec<_> = (0..readers)
        .map(|_| {
            let (stop, list) = (Arc::clone(&stop), list.clone());
            tokio::spawn(async move {
                let client = reqwest::Client::new();
                while !stop.load(Ordering::Relaxed) {
                    get(&client, &list).await;
                }
            })
        })
        .collect();
    let client = reqwest::Client::new();
    let address = format!("{}/v1/traces", viewer.http_endpoint());
    let mut durations = Vec::new();
    for number in 0..EXPORTS as u64 {
        let spans = (0..5).flat_map(|id| trace(1_000_000 + number * 5 + id, SPANS_PER_TRACE));
        let body = request(spans.collect()).encode_to_vec();
        let start = Instant::now();
        let sent = client
            .post(&address)
            .header("content-type", "application/x-protobuf")
            .body(body);
        assert_eq!(sent.send().await.unwrap().status(), 200);
        durations.push(start.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.store(true, Ordering::Relaxed);
    for reader in reading {
        reader.await.unwrap();
    }
    median(durations)
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let figures = runtime.block_on(measure());
    let mut good = true;
    println!("{:<46} {:>10} {:>10}", "100,000 spans", "median", "bound");
    for (name, measured, bound) in figures {
        let mark = if measured > bound {
            "  above its bound"
        } else {
            ""
        };
        good &= measured <= bound;
        println!("{name:<46} {measured:>10.2?} {bound:>10.2?}{mark}");
    }
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn measure() -> Vec<(&'static str, Duration, Duration)> {
    let viewer = Viewer::start(ViewerOptions::ephemeral()).await.unwrap();
    fill(&viewer);
    let first = Instant::now();
    page(&viewer, "/livez").await;
    let client = reqwest::Client::new();
    let first_index = get(&client, &format!("{}/", viewer.http_endpoint())).await;
    let id = |trace: u64| format!("/traces/{:032x}", trace + 1);
    let ms = Duration::from_millis;
    let long = (SPANS - LONG) / SPANS_PER_TRACE;
    let mut figures = vec![
        ("the list, the first time", first_index, ms(250)),
        ("the list", page(&viewer, "/").await, ms(50)),
        ("a trace of 10 spans", page(&viewer, &id(17)).await, ms(50)),
        (
            "a trace of 5,000 spans",
            page(&viewer, &id(long)).await,
            ms(50),
        ),
        (
            "a search for text",
            page(&viewer, "/?q=items/9").await,
            ms(250),
        ),
        ("routes", page(&viewer, "/routes").await, ms(250)),
        ("map", page(&viewer, "/map").await, ms(250)),
    ];
    let idle = export(&viewer, 0).await;
    let busy = export(&viewer, 2).await;
    figures.push(("an export of 50 spans, nobody reading", idle, ms(2)));
    figures.push(("an export of 50 spans, two readers", busy, ms(2)));
    assert!(viewer.store().counts().spans as u64 <= SPANS);
    assert!(first.elapsed() < Duration::from_secs(300));
    viewer.shutdown().await;
    figures
}
