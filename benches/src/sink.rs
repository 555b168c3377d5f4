//! An OTLP collector that takes everything, counts it and forgets it: HTTP and gRPC at one port.
//!
//! `GET /counts` answers `<requests> <bytes> <spans>`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, Method, Uri},
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt as _, Full};
use tokio::net::TcpListener;

static REQUESTS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);
static SPANS: AtomicU64 = AtomicU64::new(0);

pub async fn serve(port: u16) -> std::io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, Router::new().fallback(export)).await
}

async fn export(method: Method, uri: Uri, headers: HeaderMap, body: Body) -> Response {
    if method == Method::GET {
        let counts = [&REQUESTS, &BYTES, &SPANS].map(|count| count.load(Relaxed).to_string());
        return counts.join(" ").into_response();
    }
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    REQUESTS.fetch_add(1, Relaxed);
    BYTES.fetch_add(body.len() as u64, Relaxed);
    let grpc = headers
        .get("content-type")
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
    let traces = uri.path() == "/v1/traces" || uri.path().ends_with("TraceService/Export");
    if traces {
        let message = if grpc {
            body.get(5..).unwrap_or_default()
        } else {
            &body
        };
        SPANS.fetch_add(spans(message), Relaxed);
    }
    if !grpc {
        return ([("content-type", "application/x-protobuf")], Bytes::new()).into_response();
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let empty_message = Full::new(Bytes::from_static(&[0; 5]));
    let body = empty_message.with_trailers(async move { Some(Ok(trailers)) });
    ([("content-type", "application/grpc")], Body::new(body)).into_response()
}

/// `ExportTraceServiceRequest.resource_spans` = 1, `ResourceSpans.scope_spans` = 2, `ScopeSpans.spans` = 2.
fn spans(request: &[u8]) -> u64 {
    messages(request, 1)
        .flat_map(|resource| messages(resource, 2))
        .map(|scope| messages(scope, 2).count() as u64)
        .sum()
}

/// The messages in a field, of a message whose fields all have a length.
fn messages(mut bytes: &[u8], wanted: u64) -> impl Iterator<Item = &[u8]> {
    let mut field = move || {
        let key = varint(&mut bytes)?;
        let length = usize::try_from(varint(&mut bytes)?).ok()?;
        let (value, rest) = bytes.split_at_checked(length)?;
        bytes = rest;
        Some((key >> 3, value))
    };
    std::iter::from_fn(move || field())
        .filter(move |(number, _)| *number == wanted)
        .map(|(_, value)| value)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
