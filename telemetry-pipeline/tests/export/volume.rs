//! A hundred thousand spans, as fast as they can be produced.

use std::{
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};

use telemetry_api::instrument::tracer::Tracer;

use crate::{
    collector::{Collector, ok},
    config, record, tracer, traces_to,
};

const THREADS: usize = 4;
const SPANS: usize = 100_000;

fn produce(telemetry: &telemetry_pipeline::Telemetry) {
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
fn a_flush_has_an_end_though_spans_keep_coming() {
    let source: Arc<OnceLock<Tracer>> = Arc::default();
    let endless = source.clone();
    // Each export leads to another span, so the queue is never empty.
    let collector = Collector::answering(move |_, _| {
        record(endless.get().unwrap(), "after");
        ok()
    });
    let telemetry = config(&collector.url(), &[])
        .with_shutdown_timeout(Duration::from_secs(2))
        .build()
        .unwrap();
    source.set(tracer(&telemetry)).unwrap();
    record(&tracer(&telemetry), "before");
    assert_eq!(telemetry.force_flush(), Ok(()));
    assert_eq!(collector.spans()[0], "before");
}
