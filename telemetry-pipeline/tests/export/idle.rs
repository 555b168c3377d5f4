//! A connection that a balancer forgot: it stays open and nothing comes back. One attempt is lost, the batch arrives.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{collector::Collector, grpc, record, tls::Authority, tracer, traces_to};

/// A balancer in front of a collector, which can forget the connections that it has.
struct Balancer {
    address: SocketAddr,
    /// Connections of an older generation are forgotten.
    generation: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

impl Balancer {
    fn start(collector: &str) -> Self {
        let collector = collector
            .split("://")
            .last()
            .unwrap()
            .replace("localhost", "127.0.0.1");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let balancer = Self {
            address: listener.local_addr().unwrap(),
            generation: Arc::default(),
            connections: Arc::default(),
        };
        let (generation, connections) = (balancer.generation.clone(), balancer.connections.clone());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                connections.fetch_add(1, Ordering::SeqCst);
                let server = TcpStream::connect(&collector).unwrap();
                let own = generation.load(Ordering::SeqCst);
                for (from, to) in [
                    (client.try_clone().unwrap(), server.try_clone().unwrap()),
                    (server, client),
                ] {
                    let generation = generation.clone();
                    thread::spawn(move || {
                        pass(from, to, || generation.load(Ordering::SeqCst) == own)
                    });
                }
            }
        });
        balancer
    }

    fn forget(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Passes bytes on as long as the connection is remembered. Afterwards it swallows them.
fn pass(mut from: TcpStream, mut to: TcpStream, remembered: impl Fn() -> bool) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if remembered() && to.write_all(&bytes[..count]).is_err() {
            return;
        }
    }
}

#[test]
fn after_one_attempt_the_batch_arrives_on_a_new_connection() {
    let plain = || {
        let collector = Collector::start();
        (
            collector.url(),
            Box::new(move || collector.spans()) as Box<dyn Fn() -> Vec<String>>,
        )
    };
    let rpc = || {
        let collector = grpc::Collector::start(None, |_, _| Ok(Default::default()));
        (
            collector.url(),
            Box::new(move || collector.spans()) as Box<dyn Fn() -> Vec<String>>,
        )
    };
    for timeout in ["1000", "2000", "10000"] {
        for (protocol, (url, spans)) in [
            ("http/protobuf", plain()),
            ("http/json", plain()),
            ("grpc", rpc()),
        ] {
            let balancer = Balancer::start(&url);
            let telemetry = traces_to(
                &format!("http://{}", balancer.address),
                &[
                    ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                    ("OTEL_EXPORTER_OTLP_TIMEOUT", timeout),
                ],
            );
            let tracer = tracer(&telemetry);
            record(&tracer, "before");
            assert_eq!(telemetry.force_flush(), Ok(()));
            balancer.forget();
            record(&tracer, "after");
            let started = Instant::now();
            assert_eq!(telemetry.force_flush(), Ok(()), "{protocol} {timeout}");
            let timeout = Duration::from_millis(timeout.parse().unwrap());
            assert!(
                started.elapsed() < timeout / 2,
                "{protocol} {:?}",
                started.elapsed()
            );
            assert_eq!(spans(), ["before", "after"], "{protocol}");
            assert_eq!(balancer.connections(), 2, "{protocol}");
            assert_eq!(telemetry.shutdown(), Ok(()));
        }
    }
}

#[test]
fn over_tls_too_and_during_shutdown() {
    let authority = Authority::new();
    let collector = Collector::tls(authority.server_config());
    let balancer = Balancer::start(&collector.https());
    let ca = authority.path("ca.pem");
    let telemetry = traces_to(
        &format!("https://localhost:{}", balancer.address.port()),
        &[("OTEL_EXPORTER_OTLP_CERTIFICATE", ca.as_str())],
    );
    let tracer = tracer(&telemetry);
    record(&tracer, "before");
    assert_eq!(telemetry.force_flush(), Ok(()));
    balancer.forget();
    record(&tracer, "after");
    assert_eq!(telemetry.shutdown(), Ok(()));
    assert_eq!(collector.spans(), ["before", "after"]);
}

#[test]
fn a_collector_that_is_slow_as_a_rule_gets_its_time() {
    let collector = Collector::answering(|_, before| {
        thread::sleep(Duration::from_millis(if before == 0 { 500 } else { 700 }));
        crate::collector::ok()
    });
    let telemetry = traces_to(&collector.url(), &[("OTEL_EXPORTER_OTLP_TIMEOUT", "1500")]);
    let tracer = tracer(&telemetry);
    for name in ["first", "second", "third"] {
        record(&tracer, name);
        assert_eq!(telemetry.force_flush(), Ok(()), "{name}");
    }
    assert_eq!(collector.spans(), ["first", "second", "third"], "each once");
}
