//! `/metrics` on an address of its own (OTEL_EXPORTER_PROMETHEUS_HOST and _PORT), on the export thread. Reading the
//! metrics calls back into the application, so it is done on another thread: it cannot hold up an export.
//!
//! A connection serves one request. The number of connections, the size of a head and every wait have a bound.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{ACCEPT, ALLOW, CONTENT_TYPE},
};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::spawn_blocking,
    time::{sleep, timeout},
};

use crate::otlp::Worker;
use telemetry_api::instrument::scrape::{Scrape, ScrapeFormat};

/// The most bytes of a request's head, which is the least that hyper takes for a bound.
const MAX_HEAD: usize = 8 * 1024;

const MAX_CONNECTIONS: usize = 16;

/// The time for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// The time for a whole connection, with request and answer.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves scrapes until the worker ends. Returns the address in use.
pub(crate) fn serve(
    worker: &Worker,
    host: &str,
    port: u16,
    scrape: Arc<dyn Scrape>,
) -> io::Result<SocketAddr> {
    // Brackets of an IPv6 address belong to URLs.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let listener = std::net::TcpListener::bind((host, port))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let _runtime = worker.enter();
    let listener = TcpListener::from_std(listener)?;
    worker.spawn(accept(listener, scrape));
    Ok(address)
}

async fn accept(listener: TcpListener, scrape: Arc<dyn Scrape>) {
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        // Further clients wait in the backlog of the system.
        let Ok(permit) = connections.clone().acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let scrape = scrape.clone();
                tokio::spawn(async move {
                    // A client that leaves before its answer concerns nobody else.
                    let _ = timeout(CONNECTION_TIMEOUT, answer(stream, scrape)).await;
                    drop(permit);
                });
            }
            // An error such as too many open files passes; the pause keeps it from becoming a busy loop.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn answer(stream: TcpStream, scrape: Arc<dyn Scrape>) -> hyper::Result<()> {
    let service = service_fn(move |request: Request<Incoming>| {
        let scrape = scrape.clone();
        async move { Ok::<_, Infallible>(respond(&request, scrape).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .keep_alive(false)
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

/// The answer to one request. For HEAD hyper leaves out the body.
async fn respond<B>(request: &Request<B>, scrape: Arc<dyn Scrape>) -> Response<Full<Bytes>> {
    let text = "text/plain; charset=utf-8";
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return response(StatusCode::METHOD_NOT_ALLOWED, text, String::new());
    }
    if !matches!(request.uri().path(), "/metrics" | "/") {
        let place = "metrics are at /metrics\n".to_owned();
        return response(StatusCode::NOT_FOUND, text, place);
    }
    let accept = request.headers().get(ACCEPT);
    let accept = accept.and_then(|accept| accept.to_str().ok());
    let format = ScrapeFormat::negotiate(accept.unwrap_or_default());
    match spawn_blocking(move || scrape.scrape(format)).await {
        Ok(metrics) => response(StatusCode::OK, format.content_type(), metrics),
        Err(_) => response(StatusCode::INTERNAL_SERVER_ERROR, text, String::new()),
    }
}

fn response(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}
