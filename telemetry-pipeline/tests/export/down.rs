//! A collector that is down, hangs, trickles or refuses costs no request anything and no memory beyond the bound.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use telemetry_api::opentelemetry::{
    KeyValue,
    trace::{SpanKind, TraceContextExt},
};

use crate::{
    Lines,
    collector::{Collector, hanging, ok, refusing, status, trickling},
    config, record, tracer,
};

const SPANS: u64 = 20_000;

/// Of a shutdown, with room for a machine that runs other tests.
const BOUND: Duration = Duration::from_secs(2);

fn bad_collectors() -> [(&'static str, String); 5] {
    let answering = |code| Collector::answering(move |_, _| status(code)).url();
    [
        ("refuses", refusing()),
        ("hangs", hanging()),
        ("trickles", trickling()),
        ("answers 401", answering("401 Unauthorized")),
        ("answers 503", answering("503 Service Unavailable")),
    ]
}

#[test]
fn recording_is_as_fast_as_ever_and_every_span_is_accounted_for() {
    for protocol in ["http/protobuf", "grpc"] {
        for (what, url) in bad_collectors() {
            let lines = Lines::default();
            let vars = [
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                ("OTEL_EXPORTER_OTLP_TIMEOUT", "100"),
            ];
            let telemetry = config(&url, &vars)
                .with_log_sink(lines.sink())
                .with_shutdown_timeout(BOUND)
                .build()
                .unwrap();
            let tracer = tracer(&telemetry);
            let mut durations: Vec<_> = (0..SPANS)
                .map(|_| {
                    let started = Instant::now();
                    record(&tracer, "lost");
                    started.elapsed()
                })
                .collect();
            durations.sort_unstable();
            // As a rule the queue is full nearly all the time. The machine may take the thread away now and then.
            let most = durations[durations.len() * 99 / 100];
            assert!(
                most < Duration::from_millis(10),
                "{protocol}, {what}: {most:?}"
            );
            let started = Instant::now();
            let error = telemetry.shutdown().unwrap_err();
            assert!(started.elapsed() < BOUND * 2, "{protocol}, {what}");
            let loss = &error.losses[0];
            assert_eq!(loss.items(), SPANS, "{protocol}, {what}: {error}");
            assert_eq!(error.to_string().lines().count(), 1);
            let said = lines.containing("reach its collector").len()
                + lines.containing("is not delivered").len();
            assert_eq!(said, 1, "{protocol}, {what}: one line, not one a batch");
        }
    }
}

#[test]
fn a_queue_of_large_spans_is_bounded_by_bytes() {
    let telemetry = config(&hanging(), &[("OTEL_BSP_MAX_QUEUE_SIZE", "1000000")])
        .with_queue_bytes(1024 * 1024)
        .with_shutdown_timeout(BOUND)
        .build()
        .unwrap();
    let tracer = tracer(&telemetry);
    for _ in 0..1000 {
        let payload = || vec![KeyValue::new("payload", "x".repeat(10_000))];
        let cx = tracer.start(&Default::default(), "large", SpanKind::Internal, payload);
        cx.span().end();
    }
    let error = telemetry.shutdown().unwrap_err();
    let loss = &error.losses[0];
    // About a hundred fit, and one batch of as many may be on its way.
    assert!(loss.queue_bytes >= 700, "{loss:?}");
    assert_eq!((loss.items(), loss.queue_full), (1000, 0), "{loss:?}");
}

#[test]
fn spans_queue_while_a_slow_export_is_on_its_way() {
    let gate = Arc::new(AtomicBool::new(false));
    let open = gate.clone();
    let collector = Collector::answering(move |_, _| {
        while !open.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(1));
        }
        ok()
    });
    let vars = [
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
    ];
    let telemetry = config(&collector.url(), &vars).build().unwrap();
    let tracer = tracer(&telemetry);
    for _ in 0..10 {
        record(&tracer, "first");
    }
    while collector.received().is_empty() {
        std::thread::yield_now();
    }
    for _ in 0..100 {
        record(&tracer, "queued");
    }
    for _ in 0..5 {
        record(&tracer, "too many");
    }
    gate.store(true, Ordering::Relaxed);
    let error = telemetry.shutdown().unwrap_err();
    assert_eq!(
        (error.losses[0].queue_full, error.losses[0].items()),
        (5, 5),
        "{error}"
    );
    assert_eq!(collector.spans().len(), 110);
}

#[test]
fn a_failure_and_a_recovery_are_one_line_each_however_many_batches() {
    let up = Arc::new(AtomicBool::new(false));
    let answering = up.clone();
    let collector = Collector::answering(move |_, _| match answering.load(Ordering::Relaxed) {
        true => ok(),
        false => status("500 Internal Server Error"),
    });
    let lines = Lines::default();
    let telemetry = config(&collector.url(), &[])
        .with_log_sink(lines.sink())
        .build()
        .unwrap();
    let tracer = tracer(&telemetry);
    for state in [false, true, false, true] {
        up.store(state, Ordering::Relaxed);
        for _ in 0..10 {
            record(&tracer, "batch");
            assert_eq!(telemetry.force_flush().is_ok(), state);
        }
    }
    assert_eq!(lines.containing("is not delivered").len(), 1);
    assert_eq!(lines.containing("does not reach").len(), 0, "it answers");
    assert_eq!(
        lines.containing("again").len(),
        1,
        "and coming and going is not a line each time"
    );
}

#[test]
fn shutdown_ends_every_signal_and_reports_each_that_fails() {
    let collector = Collector::start();
    let telemetry = telemetry_pipeline::Config::new("shop")
        .with_environment([
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url().as_str()),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &hanging()),
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &refusing()),
            ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "100"),
        ])
        .with_log_sink(|_| {})
        .with_shutdown_timeout(BOUND)
        .build()
        .unwrap();
    record(&tracer(&telemetry), "hangs");
    let scope = telemetry_api::opentelemetry::InstrumentationScope::builder("test").build();
    telemetry
        .providers()
        .meter(scope)
        .u64_counter("hits")
        .build()
        .add(1, &[]);
    tracing::dispatcher::with_default(telemetry.dispatch(), || tracing::info!("arrives"));
    let started = Instant::now();
    let error = telemetry.shutdown().unwrap_err();
    assert!(started.elapsed() < BOUND * 2);
    let mut signals: Vec<_> = error.losses.iter().map(|loss| loss.signal).collect();
    signals.sort_unstable();
    assert_eq!(signals, ["metric points", "spans"], "{error}");
    let received = collector.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].path, "/v1/logs");
}

/// Run again by the test below, as what goes to standard error is a matter of a process.
#[test]
fn dropped_with_spans_that_cannot_be_sent() {
    if std::env::var_os("TELEMETRY_DROP").is_none() {
        return;
    }
    let telemetry = config(&refusing(), &[("OTEL_EXPORTER_OTLP_TIMEOUT", "100")])
        .build()
        .unwrap();
    record(&tracer(&telemetry), "lost");
    drop(telemetry);
}

#[test]
fn dropping_the_handle_says_on_standard_error_what_was_lost() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "down::dropped_with_spans_that_cannot_be_sent",
            "--nocapture",
        ])
        .env("TELEMETRY_DROP", "1")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<_> = said
        .lines()
        .filter(|line| line.contains("not delivered"))
        .collect();
    assert_eq!(lines.len(), 1, "{said}");
    assert!(lines[0].contains("1 spans not accepted"), "{said}");
}

#[test]
fn a_collector_that_takes_only_traces_is_one_line_about_the_others() {
    let collector = Collector::answering(|received, _| match received.path.as_str() {
        "/v1/traces" => ok(),
        _ => status("404 Not Found"),
    });
    let lines = Lines::default();
    let telemetry = telemetry_pipeline::Config::new("shop")
        .with_environment([
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url().as_str()),
            ("OTEL_METRICS_EXPORTER", "none"),
        ])
        .with_log_sink(lines.sink())
        .build()
        .unwrap();
    let tracer = tracer(&telemetry);
    for _ in 0..10 {
        record(&tracer, "traced");
        tracing::dispatcher::with_default(telemetry.dispatch(), || tracing::info!("logged"));
        assert!(telemetry.force_flush().is_err());
    }
    assert_eq!(lines.containing("does not reach").len(), 0);
    assert_eq!(lines.containing("again").len(), 0);
    let said = lines.containing("is not delivered");
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains("log records") && said[0].contains("404"),
        "{said:?}"
    );
}

#[test]
fn with_nobody_collecting_a_service_stops_at_once() {
    let telemetry = config(&refusing(), &[])
        .with_log_sink(|_| {})
        .build()
        .unwrap();
    let tracer = tracer(&telemetry);
    for _ in 0..2000 {
        record(&tracer, "lost");
    }
    let started = Instant::now();
    let error = telemetry.shutdown().unwrap_err();
    // The first back-off alone would be a quarter of a second, and all of them four.
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(error.losses[0].items(), 2000, "{error}");
}
