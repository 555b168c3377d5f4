//! A collector goes away and comes back: afterwards every span is accounted for, in `/metrics` and over OTLP.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use opentelemetry_proto::tonic::metrics::v1::{metric::Data, number_data_point::Value};
use telemetry_pipeline::{Config, Telemetry};

use crate::{
    collector::{Behaviour, Received, connection, ok, refusing, span_names},
    record, tracer,
};

/// A collector whose listener and connections can be closed, and opened again at the same address.
struct Collector {
    received: Arc<Mutex<Vec<Received>>>,
    address: SocketAddr,
    listening: Option<(JoinHandle<()>, Arc<AtomicBool>)>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut collector = Self {
            received: Arc::default(),
            address: listener.local_addr().unwrap(),
            listening: None,
            connections: Arc::default(),
        };
        collector.listen(listener);
        collector
    }

    fn listen(&mut self, listener: TcpListener) {
        let closed = Arc::new(AtomicBool::new(false));
        let (received, connections) = (self.received.clone(), self.connections.clone());
        let closing = closed.clone();
        let thread = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if closing.load(Ordering::SeqCst) {
                    return;
                }
                let received = received.clone();
                connections
                    .lock()
                    .unwrap()
                    .push(stream.try_clone().unwrap());
                // Ends with an error when the connection is closed.
                thread::spawn(move || {
                    let answer: Behaviour = Arc::new(|_, _| ok());
                    connection(stream, &received, &answer)
                });
            }
        });
        self.listening = Some((thread, closed));
    }

    fn go_down(&mut self) {
        let (thread, closed) = self.listening.take().unwrap();
        closed.store(true, Ordering::SeqCst);
        // Wakes the thread, which then drops its listener.
        drop(TcpStream::connect(self.address));
        thread.join().unwrap();
        for connection in self.connections.lock().unwrap().drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
        assert!(TcpStream::connect(self.address).is_err(), "nobody listens");
    }

    fn come_back(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        let listener = loop {
            match TcpListener::bind(self.address) {
                Ok(listener) => break listener,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            thread::sleep(Duration::from_millis(10));
        };
        self.listen(listener);
    }

    fn spans(&self) -> u64 {
        let received = self.received.lock().unwrap();
        let traces = received.iter().filter(|one| one.path == "/v1/traces");
        traces
            .map(|one| span_names(&one.traces()).len() as u64)
            .sum()
    }

    /// The sums of a metric in the last request that has it, by `error.type`.
    fn metric(&self, name: &str) -> BTreeMap<String, u64> {
        let received = self.received.lock().unwrap();
        let mut sums = BTreeMap::new();
        for one in received.iter().filter(|one| one.path == "/v1/metrics") {
            let request = one.metrics();
            let scopes = request
                .resource_metrics
                .iter()
                .flat_map(|one| &one.scope_metrics);
            let mut metrics = scopes.flat_map(|scope| &scope.metrics);
            let Some(Data::Sum(sum)) = metrics
                .find(|metric| metric.name == name)
                .and_then(|metric| metric.data.as_ref())
            else {
                continue;
            };
            sums.clear();
            for point in &sum.data_points {
                let error = point.attributes.iter().find(|kv| kv.key == "error.type");
                let error = error
                    .map(|kv| format!("{:?}", kv.value))
                    .unwrap_or_default();
                let error = error.split('"').nth(1).unwrap_or_default().to_owned();
                let Some(Value::AsInt(value)) = point.value else {
                    panic!("{point:?}");
                };
                sums.insert(error, u64::try_from(value).unwrap());
            }
        }
        sums
    }
}

/// The answer of `/metrics` to a request over the network.
fn scrape(telemetry: &Telemetry) -> String {
    let mut stream = TcpStream::connect(telemetry.prometheus_address().unwrap()).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// The sum of the series of a family that have this label; an empty one: that have no `error_type`.
fn sum(text: &str, family: &str, label: &str) -> u64 {
    text.lines()
        .filter_map(|line| line.strip_prefix(family)?.strip_prefix('{'))
        .filter(|line| match label {
            "" => !line.contains("error_type="),
            label => line.contains(label),
        })
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap() as u64)
        .sum()
}

const PROCESSED: &str = "otel_sdk_processor_span_processed_total";
const EXPORTED: &str = "otel_sdk_exporter_span_exported_total";

#[test]
fn after_an_outage_metrics_say_how_many_spans_were_dropped_and_why() {
    let mut collector = Collector::start();
    let url = format!("http://{}", collector.address);
    let telemetry = Config::new("shop")
        .with_environment([
            ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "300"),
            ("OTEL_METRICS_EXPORTER", "otlp,prometheus"),
            ("OTEL_EXPORTER_PROMETHEUS_PORT", "0"),
            ("OTEL_LOGS_EXPORTER", "none"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "50"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10"),
        ])
        .with_log_sink(|_| {})
        .build()
        .unwrap();
    let tracer = tracer(&telemetry);
    let burst = |spans: u64| (0..spans).for_each(|_| record(&tracer, "order"));

    burst(30);
    assert_eq!(telemetry.force_flush(), Ok(()));
    let before = telemetry.health().traces().unwrap();
    assert_eq!((before.exported, before.dropped), (30, 0));
    assert!(before.last_success.is_some() && before.last_failure.is_none());

    collector.go_down();
    burst(500);
    assert!(telemetry.force_flush().is_err());
    burst(7);
    assert!(telemetry.force_flush().is_err());
    let during = telemetry.health();
    let traces = during.traces().unwrap();
    assert!(traces.consecutive_failures >= 2, "{traces:?}");
    assert_eq!(traces.last_success, before.last_success);
    assert!(traces.failing_since <= traces.last_failure.as_ref().map(|(at, _)| *at));
    assert!(traces.last_failure.unwrap().1.contains("refused"));
    assert!(
        during.delivering(Duration::from_secs(600)).is_ok(),
        "it is patient"
    );
    let said = during.delivering(Duration::ZERO).unwrap_err();
    assert!(
        said.contains("traces: ") && said.contains("refused"),
        "{said}"
    );

    collector.come_back();
    burst(20);
    // Earlier losses may still be reported once; the spans recorded since arrive.
    let _ = telemetry.force_flush();
    let after = telemetry.health();
    assert_eq!(after.delivering(Duration::ZERO), Ok(()), "{after}");
    assert_eq!(after.traces().unwrap().consecutive_failures, 0);

    let created = 30 + 500 + 7 + 20;
    let text = scrape(&telemetry);
    let started = sum(&text, "otel_sdk_span_started_total", "RECORD_AND_SAMPLE");
    let exported = sum(&text, EXPORTED, "");
    let unreachable = sum(&text, EXPORTED, "error_type=\"connection_failed\"");
    let full = sum(&text, PROCESSED, "error_type=\"queue_full\"");
    assert_eq!(started, created, "{text}");
    assert_eq!(exported, collector.spans(), "{text}");
    // The queue holds 50; how many batches were taken out meanwhile is the exporter's pace.
    assert!((1..=450).contains(&full), "{full}, {unreachable}");
    assert_eq!(created, exported + unreachable + full, "{text}");
    // And nothing else was lost, waits or is on its way.
    assert_eq!(sum(&text, PROCESSED, "error_type="), full, "{text}");
    assert_eq!(sum(&text, EXPORTED, "error_type="), unreachable, "{text}");
    assert_eq!(sum(&text, PROCESSED, ""), exported + unreachable, "{text}");
    for nothing in [
        "span_live",
        "processor_span_queue_size",
        "exporter_span_inflight",
    ] {
        assert_eq!(
            sum(&text, &format!("otel_sdk_{nothing}"), ""),
            0,
            "{nothing}: {text}"
        );
    }
    let health = telemetry.health().traces().unwrap();
    assert_eq!(
        (health.exported, health.dropped),
        (exported, unreachable + full)
    );

    assert_eq!(telemetry.force_flush(), Ok(()));
    let mut pushed = collector.metric("otel.sdk.exporter.span.exported");
    pushed.retain(|_, count| *count > 0);
    let expected = [
        (String::new(), exported),
        ("connection_failed".to_owned(), unreachable),
    ];
    assert_eq!(pushed, BTreeMap::from(expected));
    let pushed = collector.metric("otel.sdk.processor.span.processed");
    assert_eq!(pushed["queue_full"], full);

    let health = telemetry.health().clone();
    let _ = telemetry.shutdown();
    // A probe tells a program that has lost the handle.
    let said = health.delivering(Duration::from_secs(600)).unwrap_err();
    assert!(said.starts_with("telemetry was shut down"), "{said}");
}

#[test]
fn the_alerts_of_the_guide_ask_for_metrics_that_are_there() {
    let guide = include_str!("../../../docs/guides/metrics.md");
    let (_, rules) = guide.split_once("```yaml\ngroups:").unwrap();
    let (rules, _) = rules.split_once("```").unwrap();
    let telemetry = Config::new("shop")
        .with_environment([("OTEL_EXPORTER_OTLP_ENDPOINT", refusing())])
        .with_log_sink(|_| {})
        .build()
        .unwrap();
    let text = telemetry.providers().scrape(Default::default()).unwrap();
    let name = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    let metrics: Vec<_> = rules
        .split(name)
        .filter(|word| word.starts_with("otel_sdk_"))
        .collect();
    assert_eq!(metrics.len(), 6, "{metrics:?}");
    for metric in metrics {
        assert!(text.contains(&format!("\n{metric}{{")), "{metric}: {text}");
    }
}
