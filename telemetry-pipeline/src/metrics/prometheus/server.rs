//! `/metrics` on an address of its own (OTEL_EXPORTER_PROMETHEUS_HOST and _PORT), on the export thread. Reading the
//! metrics calls back into the application, so it is done on a thread beside: it cannot hold up an export.
//!
//! It speaks as much HTTP/1 as scrapers do: one small GET or HEAD a connection, in bounded time, from a bounded number
//! of clients at once.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::spawn_blocking,
    time::{sleep, timeout},
};

use crate::otlp::Worker;
use telemetry_api::instrument::scrape::{Scrape, ScrapeFormat};

const MAX_HEAD: usize = 8 * 1024;
const MAX_CLIENTS: usize = 16;

/// For a whole connection, request and answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves scrapes until the worker ends. The answer is the address in use.
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
    let clients = Arc::new(Semaphore::new(MAX_CLIENTS));
    loop {
        // Further clients wait in the system's backlog.
        let Ok(permit) = clients.clone().acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let scrape = scrape.clone();
                tokio::spawn(async move {
                    // Whether the client took the answer is its own affair.
                    let _ = timeout(PATIENCE, answer(stream, scrape)).await;
                    drop(permit);
                });
            }
            // Such as too many open files: it passes, and must not become a busy loop.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn answer(mut stream: TcpStream, scrape: Arc<dyn Scrape>) -> io::Result<()> {
    let head = read_head(&mut stream).await?;
    let response = match head.as_deref().map(Request::parse) {
        None => response(
            "431 Request Header Fields Too Large",
            "text/plain",
            "",
            true,
        ),
        Some(None) => response("400 Bad Request", "text/plain", "", true),
        Some(Some(request)) => request.respond(scrape).await,
    };
    stream.write_all(response.as_bytes()).await?;
    stream.shutdown().await
}

/// The request up to its empty line; `None` if that does not come in time.
async fn read_head(stream: &mut TcpStream) -> io::Result<Option<String>> {
    let mut head = Vec::with_capacity(1024);
    let mut chunk = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() > MAX_HEAD {
            return Ok(None);
        }
        match stream.read(&mut chunk).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => head.extend_from_slice(&chunk[..n]),
        }
    }
    Ok(Some(String::from_utf8_lossy(&head).into_owned()))
}

struct Request<'a> {
    method: &'a str,
    path: &'a str,
    accept: &'a str,
}

impl<'a> Request<'a> {
    fn parse(head: &'a str) -> Option<Self> {
        let mut lines = head.split("\r\n");
        let mut start = lines.next()?.split(' ');
        let (method, target, version) = (start.next()?, start.next()?, start.next()?);
        if !version.starts_with("HTTP/1.") {
            return None;
        }
        let accept = lines
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("accept"))
            .map_or("", |(_, value)| value.trim());
        Some(Self {
            method,
            path: target.split('?').next().unwrap_or_default(),
            accept,
        })
    }

    async fn respond(&self, scrape: Arc<dyn Scrape>) -> String {
        let with_body = self.method == "GET";
        match (self.method, self.path) {
            ("GET" | "HEAD", "/metrics" | "/") => {
                let format = ScrapeFormat::negotiate(self.accept);
                match spawn_blocking(move || scrape.scrape(format)).await {
                    Ok(text) => response("200 OK", format.content_type(), &text, with_body),
                    Err(_) => response("500 Internal Server Error", "text/plain", "", true),
                }
            }
            ("GET" | "HEAD", _) => {
                let text = "metrics are at /metrics\n";
                response("404 Not Found", "text/plain", text, with_body)
            }
            _ => response("405 Method Not Allowed", "text/plain", "", true),
        }
    }
}

fn response(status: &str, content_type: &str, body: &str, with_body: bool) -> String {
    let length = body.len();
    let body = if with_body { body } else { "" };
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nAllow: GET, HEAD\r\n\
         Connection: close\r\n\r\n{body}"
    )
}
