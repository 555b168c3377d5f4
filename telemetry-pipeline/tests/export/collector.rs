//! Collectors on real sockets: one that answers over HTTP as it is told, and ones that misbehave.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use prost::Message;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
    /// Decompressed.
    pub(crate) body: Vec<u8>,
    pub(crate) at: Instant,
}

pub(crate) struct Answer {
    pub(crate) status: &'static str,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

pub(crate) fn ok() -> Answer {
    status("200 OK")
}

pub(crate) fn status(status: &'static str) -> Answer {
    Answer {
        status,
        headers: String::new(),
        body: Vec::new(),
    }
}

/// A collector that keeps what it receives.
#[derive(Clone)]
pub(crate) struct Collector {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

pub(crate) type Behaviour = Arc<dyn Fn(&Received, usize) -> Answer + Send + Sync>;

impl Collector {
    pub(crate) fn start() -> Self {
        Self::answering(|_, _| ok())
    }

    /// Answers as the function says, which sees the request and how many were before it.
    pub(crate) fn answering(
        answer: impl Fn(&Received, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::serve(answer, None)
    }

    pub(crate) fn tls(config: ServerConfig) -> Self {
        Self::serve(|_, _| ok(), Some(Arc::new(config)))
    }

    fn serve(
        answer: impl Fn(&Received, usize) -> Answer + Send + Sync + 'static,
        tls: Option<Arc<ServerConfig>>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let collector = Self {
            address: listener.local_addr().unwrap(),
            received: Arc::default(),
        };
        let answer: Behaviour = Arc::new(answer);
        let received = collector.received.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (received, answer, tls) = (received.clone(), answer.clone(), tls.clone());
                // A connection ends when the exporter closes it, with an error that means no more than that.
                thread::spawn(move || match tls {
                    None => connection(stream, &received, &answer),
                    Some(tls) => {
                        let session = ServerConnection::new(tls).unwrap();
                        connection(StreamOwned::new(session, stream), &received, &answer)
                    }
                });
            }
        });
        collector
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// By name, as certificates say.
    pub(crate) fn https(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub(crate) fn spans(&self) -> Vec<String> {
        let received = self.received();
        let requests = received.iter().filter(|one| one.path == "/v1/traces");
        requests.flat_map(|one| span_names(&one.traces())).collect()
    }
}

impl Received {
    pub(crate) fn traces(&self) -> ExportTraceServiceRequest {
        match self.is_json() {
            true => serde_json::from_slice(&self.body).unwrap(),
            false => ExportTraceServiceRequest::decode(&*self.body).unwrap(),
        }
    }

    pub(crate) fn metrics(&self) -> ExportMetricsServiceRequest {
        match self.is_json() {
            true => serde_json::from_slice(&self.body).unwrap(),
            false => ExportMetricsServiceRequest::decode(&*self.body).unwrap(),
        }
    }

    pub(crate) fn logs(&self) -> ExportLogsServiceRequest {
        match self.is_json() {
            true => serde_json::from_slice(&self.body).unwrap(),
            false => ExportLogsServiceRequest::decode(&*self.body).unwrap(),
        }
    }

    fn is_json(&self) -> bool {
        self.headers["content-type"] == "application/json"
    }
}

/// A collector whose listener and connections can be closed.
pub(crate) struct Closable {
    address: SocketAddr,
    thread: Option<thread::JoinHandle<()>>,
    closing: Arc<AtomicBool>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
}

/// Accepts everything that comes to this listener.
pub(crate) fn serve_at(listener: TcpListener, received: &Arc<Mutex<Vec<Received>>>) -> Closable {
    let closing = Arc::new(AtomicBool::new(false));
    let connections: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
    let address = listener.local_addr().unwrap();
    let (received, closed, open) = (received.clone(), closing.clone(), connections.clone());
    let thread = thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if closed.load(Ordering::SeqCst) {
                return;
            }
            open.lock().unwrap().push(stream.try_clone().unwrap());
            let received = received.clone();
            // It ends with an error when the connection is closed.
            thread::spawn(move || {
                let answer: Behaviour = Arc::new(|_, _| ok());
                connection(stream, &received, &answer)
            });
        }
    });
    Closable {
        address,
        thread: Some(thread),
        closing,
        connections,
    }
}

impl Closable {
    pub(crate) fn close(mut self) {
        self.closing.store(true, Ordering::SeqCst);
        // Wakes the thread, which then drops its listener.
        drop(TcpStream::connect(self.address));
        self.thread.take().unwrap().join().unwrap();
        for connection in self.connections.lock().unwrap().drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

pub(crate) fn span_names(request: &ExportTraceServiceRequest) -> Vec<String> {
    let scopes = request
        .resource_spans
        .iter()
        .flat_map(|resource| &resource.scope_spans);
    scopes
        .flat_map(|scope| &scope.spans)
        .map(|span| span.name.clone())
        .collect()
}

pub(crate) fn connection(
    stream: impl Read + Write,
    received: &Mutex<Vec<Received>>,
    answer: &Behaviour,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if stream.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let mut headers = HashMap::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let mut body = vec![0; headers["content-length"].parse().unwrap()];
        stream.read_exact(&mut body)?;
        let body = match headers.get("content-encoding").map(String::as_str) {
            None => body,
            Some("gzip") => {
                let mut plain = Vec::new();
                flate2::read::GzDecoder::new(&*body).read_to_end(&mut plain)?;
                plain
            }
            Some("zstd") => zstd::decode_all(&*body)?,
            other => panic!("content-encoding: {other:?}"),
        };
        let request = Received {
            path: first.split(' ').nth(1).unwrap().to_owned(),
            headers,
            body,
            at: Instant::now(),
        };
        let before = {
            let mut received = received.lock().unwrap();
            received.push(request.clone());
            received.len() - 1
        };
        let Answer {
            status,
            headers,
            body,
        } = answer(&request, before);
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n");
        let writer = stream.get_mut();
        writer.write_all(head.as_bytes())?;
        writer.write_all(&body)?;
        writer.flush()?;
    }
}

/// The address of a port that nobody listens on.
pub(crate) fn refusing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// Accepts connections and never answers.
pub(crate) fn hanging() -> String {
    misbehaving(|stream| {
        let mut ignored = Vec::new();
        let _ = (&stream).read_to_end(&mut ignored);
    })
}

/// Answers with one byte at a time, and never to the end.
pub(crate) fn trickling() -> String {
    misbehaving(|mut stream| {
        let endless = "HTTP/1.1 200 OK\r\n"
            .chars()
            .chain("x-slow: ".chars())
            .chain(std::iter::repeat('y'));
        for byte in endless {
            if stream.write_all(&[byte as u8]).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    })
}

fn misbehaving(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            thread::spawn(move || serve(stream));
        }
    });
    url
}
