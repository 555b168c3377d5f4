//! A collector that asks for time gets it, from every batch; shutdown does not wait for it. Shutdown tries as long as it may.

use std::{
    net::TcpListener,
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use telemetry_pipeline::Telemetry;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{
    collector::{Answer, Collector, ok, refusing, serve_at, status},
    config, grpc, record, tracer, traces_to,
};

/// A first request that fails, then the time until the second, of another batch.
fn until_the_next(telemetry: &Telemetry, requests: &dyn Fn() -> Vec<Instant>) -> Duration {
    let tracer = tracer(telemetry);
    record(&tracer, "first");
    let started = Instant::now();
    assert!(telemetry.force_flush().is_err(), "there is no time to wait");
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "it does not wait for nothing"
    );
    record(&tracer, "second");
    assert_eq!(telemetry.force_flush(), Ok(()));
    let requests = requests();
    assert_eq!(requests.len(), 2);
    requests[1] - requests[0]
}

const SHORT: (&str, &str) = ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000");

#[test]
fn the_next_batch_waits_as_long_as_the_collector_asks() {
    let in_three_seconds = || httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(4));
    for code in [
        "429 Too Many Requests",
        "502 Bad Gateway",
        "503 Service Unavailable",
        "504 Gateway Timeout",
    ] {
        for as_date in [false, true] {
            let collector = Collector::answering(move |_, before| match before {
                0 => Answer {
                    headers: match as_date {
                        false => "retry-after: 3\r\n".to_owned(),
                        true => format!("retry-after: {}\r\n", in_three_seconds()),
                    },
                    ..status(code)
                },
                _ => ok(),
            });
            let telemetry = traces_to(&collector.url(), &[SHORT]);
            let at = || collector.received().iter().map(|one| one.at).collect();
            let waited = until_the_next(&telemetry, &at);
            assert!(
                waited >= Duration::from_millis(2900),
                "{code} {as_date}: {waited:?}"
            );
            assert!(
                waited < Duration::from_millis(4600),
                "{code} {as_date}: {waited:?}"
            );
        }
    }
}

#[test]
fn over_grpc_too_by_retry_info() {
    for code in [Code::Unavailable, Code::ResourceExhausted] {
        let collector = grpc::Collector::start(None, move |_, before| match before {
            0 => {
                let wait = ErrorDetails::with_retry_info(Some(Duration::from_secs(3)));
                Err(Status::with_error_details(code, "slow down", wait))
            }
            _ => Ok(Default::default()),
        });
        let vars = [SHORT, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
        let telemetry = traces_to(&collector.url(), &vars);
        let at = || collector.received().iter().map(|one| one.at).collect();
        let waited = until_the_next(&telemetry, &at);
        assert!(
            waited >= Duration::from_millis(2900),
            "{code:?}: {waited:?}"
        );
    }
}

#[test]
fn shutdown_does_not_wait_for_the_time_that_a_collector_asked_for() {
    let collector = Collector::answering(|_, before| match before {
        0 => Answer {
            headers: "retry-after: 600\r\n".to_owned(),
            ..status("503 Service Unavailable")
        },
        _ => ok(),
    });
    let telemetry = traces_to(&collector.url(), &[SHORT]);
    let tracer = tracer(&telemetry);
    record(&tracer, "refused");
    assert!(telemetry.force_flush().is_err());
    record(&tracer, "at the end");
    let started = Instant::now();
    let error = telemetry.shutdown().unwrap_err();
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(error.losses[0].items(), 1, "only the first: {error}");
    assert_eq!(collector.received().len(), 2);
}

#[test]
fn a_collector_that_comes_back_during_shutdown_gets_everything() {
    for reached_before in [true, false] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::default();
        let first = reached_before.then(|| serve_at(listener, &received));
        let telemetry = config(&format!("http://{address}"), &[]).build().unwrap();
        let tracer = tracer(&telemetry);
        if let Some(first) = first {
            record(&tracer, "before");
            assert_eq!(telemetry.force_flush(), Ok(()));
            first.close();
        }
        for _ in 0..1000 {
            record(&tracer, "during");
        }
        let again = received.clone();
        let returning = thread::spawn(move || {
            let wait = if reached_before { 2000 } else { 400 };
            thread::sleep(Duration::from_millis(wait));
            let listener = TcpListener::bind(address).unwrap();
            serve_at(listener, &again)
        });
        assert_eq!(
            telemetry.shutdown(),
            Ok(()),
            "reached before: {reached_before}"
        );
        drop(returning.join().unwrap());
        let spans: usize = received
            .lock()
            .unwrap()
            .iter()
            .map(|one: &crate::collector::Received| {
                crate::collector::span_names(&one.traces()).len()
            })
            .sum();
        assert_eq!(spans, 1000 + usize::from(reached_before));
    }
}

#[test]
fn a_collector_that_was_reached_before_is_tried_to_the_end_of_shutdown_and_the_reason_is_kept() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let collector = serve_at(listener, &Arc::default());
    let telemetry = config(&format!("http://{address}"), &[])
        .with_shutdown_timeout(Duration::from_secs(2))
        .build()
        .unwrap();
    let tracer = tracer(&telemetry);
    record(&tracer, "before");
    assert_eq!(telemetry.force_flush(), Ok(()));
    collector.close();
    record(&tracer, "lost");
    let started = Instant::now();
    let error = telemetry.shutdown().unwrap_err();
    assert!(
        started.elapsed() > Duration::from_millis(1500),
        "{:?}",
        started.elapsed()
    );
    assert!(
        started.elapsed() < Duration::from_millis(2500),
        "{:?}",
        started.elapsed()
    );
    assert!(error.to_string().contains("refused"), "{error}");
    let never = traces_to(&refusing(), &[]);
    record(&crate::tracer(&never), "lost");
    let started = Instant::now();
    assert!(never.shutdown().is_err());
    assert!(
        started.elapsed() < Duration::from_millis(1500),
        "{:?}",
        started.elapsed()
    );
}
