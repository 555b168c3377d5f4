//! A hundred thousand spans, as fast as they can be produced.

use std::thread;

use crate::{collector::Collector, config, record, tracer, traces_to};

const THREADS: usize = 4;
const SPANS: usize = 100_000;

fn produce(telemetry: &telemetry_core::Telemetry) {
    thread::scope(|scope| {
        for _ in 0..THREADS {
            let tracer = tracer(telemetry);
            scope.spawn(move || {
                for _ in 0..SPANS / THREADS {
                    record(&tracer, "one of many");
                }
            });
        }
    });
}

#[test]
fn with_a_queue_that_holds_them_all_of_them_arrive() {
    let collector = Collector::start();
    let telemetry = config(&collector.url(), &[("OTEL_BSP_MAX_QUEUE_SIZE", "100000")])
        .with_queue_bytes(64 * 1024 * 1024)
        .build()
        .unwrap();
    produce(&telemetry);
    assert_eq!(telemetry.shutdown(), Ok(()));
    assert_eq!(collector.spans().len(), SPANS);
}

#[test]
fn with_the_default_queue_each_arrives_or_is_reported() {
    let collector = Collector::start();
    let telemetry = traces_to(&collector.url(), &[]);
    produce(&telemetry);
    let lost = telemetry
        .shutdown()
        .err()
        .map_or(0, |error| error.losses[0].items());
    assert_eq!(
        collector.spans().len() + usize::try_from(lost).unwrap(),
        SPANS
    );
}

#[test]
fn a_flush_has_an_end_while_spans_keep_coming() {
    let collector = Collector::start();
    let telemetry = traces_to(&collector.url(), &[]);
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    thread::scope(|scope| {
        let tracer = tracer(&telemetry);
        scope.spawn(move || {
            while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                record(&tracer, "noise");
            }
        });
        let tracer = crate::tracer(&telemetry);
        // The queue may be full of the other thread's spans, so more than one is tried.
        for _ in 0..1000 {
            record(&tracer, "before");
        }
        let flushed = telemetry.force_flush();
        let before = |names: Vec<String>| names.iter().filter(|name| *name == "before").count();
        let arrived = before(collector.spans());
        let lost = flushed.err().map_or(0, |error| {
            assert_eq!(error.losses[0].unanswered, None, "{error}");
            error.losses[0].items()
        });
        assert!(arrived + usize::try_from(lost).unwrap() >= 1000);
        drop(stop);
    });
}
