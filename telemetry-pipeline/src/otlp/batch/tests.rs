use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, SystemTime},
};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use super::*;
use crate::otlp::{compression::Compression, endpoint::Tls, protocol::Protocol};

/// Numbers, of which 13 cannot be encoded.
struct Numbers {
    encoded: Arc<AtomicU64>,
}

impl Encode for Numbers {
    type Item = u64;
    type Request = ExportTraceServiceRequest;

    const SIGNAL: Signal = Signal::Traces;

    fn encode(&self, items: Vec<u64>) -> Self::Request {
        assert!(!items.contains(&13), "thirteen");
        self.encoded
            .fetch_add(items.len() as u64, Ordering::Relaxed);
        ExportTraceServiceRequest::default()
    }
}

/// Accepts everything.
fn collector() -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut writer = stream.try_clone().unwrap();
                let mut lines = BufReader::new(stream).lines();
                while let Some(Ok(line)) = lines.next() {
                    // The bodies are empty, so an empty line ends a request.
                    if line.is_empty() {
                        writer
                            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                            .unwrap();
                    }
                }
            });
        }
    });
    Endpoint {
        protocol: Protocol::HttpProtobuf,
        url: origin.parse().unwrap(),
        socket: None,
        origin,
        headers: Default::default(),
        timeout: Duration::from_secs(5),
        compression: Compression::None,
        tls: Tls::default(),
    }
}

const BOUND: Duration = Duration::from_secs(5);

struct Running {
    queue: Queue<u64>,
    flush: Flush,
    encoded: Arc<AtomicU64>,
    _worker: Worker,
}

fn start(batching: Batching) -> Running {
    let worker = Worker::start().unwrap();
    let encoded = Arc::new(AtomicU64::new(0));
    let numbers = Numbers {
        encoded: encoded.clone(),
    };
    let (queue, flush) =
        super::start(&worker, numbers, collector(), batching, Arc::default()).unwrap();
    Running {
        queue,
        flush,
        encoded,
        _worker: worker,
    }
}

fn batching() -> Batching {
    Batching {
        queue: 1000,
        batch: 4,
        delay: Duration::from_secs(60),
        bytes: 1000,
    }
}

#[test]
fn a_panic_loses_its_batch_and_nothing_else() {
    let running = start(batching());
    for number in 10..20 {
        running.queue.push(Box::new(number), 1, SystemTime::now());
    }
    let loss = running.flush.flush(BOUND).wait().unwrap();
    assert_eq!((loss.panicked, loss.items()), (4, 4));
    assert!(loss.reason.unwrap().contains("thirteen"));
    running.queue.push(Box::new(20), 1, SystemTime::now());
    assert_eq!(running.flush.flush(BOUND).wait(), None, "the loop goes on");
    assert_eq!(running.flush.shutdown(BOUND).wait().unwrap().items(), 4);
    assert_eq!(running.encoded.load(Ordering::Relaxed), 7);
}

#[test]
fn a_full_batch_is_sent_at_once_and_the_rest_waits() {
    let running = start(batching());
    for number in 100..106 {
        running.queue.push(Box::new(number), 1, SystemTime::now());
    }
    let started = Instant::now();
    while running.encoded.load(Ordering::Relaxed) < 4 {
        assert!(started.elapsed() < BOUND);
        thread::yield_now();
    }
    assert_eq!(running.flush.flush(BOUND).wait(), None);
    assert_eq!(running.encoded.load(Ordering::Relaxed), 6);
}

#[test]
fn bytes_bound_the_queue_as_items_do_and_each_is_counted() {
    let losses = Arc::new(Losses::new("numbers"));
    let (queue, mut intake) = queue::queue(
        Batching {
            queue: 3,
            ..batching()
        },
        losses.clone(),
    );
    queue.push(Box::new(1), 600, SystemTime::now());
    queue.push(Box::new(2), 600, SystemTime::now());
    queue.push(Box::new(3), 400, SystemTime::now());
    assert_eq!(losses.since_flush().unwrap().queue_bytes, 1);
    assert_eq!(intake.take(), [1, 3], "and bytes are given back");
    for number in 4..9 {
        queue.push(Box::new(number), 100, SystemTime::now());
    }
    let loss = losses.since_flush().unwrap();
    assert_eq!((loss.queue_bytes, loss.queue_full), (0, 2));
    assert_eq!(intake.take(), [4, 5, 6]);
    intake.close();
    queue.push(Box::new(9), 1, SystemTime::now());
    assert_eq!(losses.since_flush().unwrap().shutdown, 1);
    assert!(intake.is_empty());
}

#[test]
fn items_of_many_threads_are_taken_or_counted() {
    let losses = Arc::new(Losses::new("numbers"));
    let bounds = Batching {
        queue: 64,
        bytes: 60,
        ..batching()
    };
    let (queue, mut intake) = queue::queue(bounds, losses.clone());
    let mut taken = 0;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    for number in 0..20_000 {
                        queue.push(Box::new(number), 1, SystemTime::now());
                    }
                })
            })
            .collect();
        while threads.iter().any(|thread| !thread.is_finished()) {
            taken += intake.take().len() as u64;
        }
    });
    while !intake.is_empty() {
        taken += intake.take().len() as u64;
    }
    let lost = losses.total().map_or(0, |loss| loss.items());
    assert_eq!(taken + lost, 80_000);
}
