//! A hundred thousand spans, as fast as they can be produced.

use std::{
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};

use telemetry_api::instrument::tracer::Tracer;

use crate::{
    collector::{Collector, hanging, ok},
    config, record, tracer,
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
fn with_the_default_queue_all_of_them_arrive_also_at_a_slow_collector() {
    for pause in [Duration::ZERO, Duration::from_millis(10)] {
        let collector = Collector::answering(move |_, _| {
            thread::sleep(pause);
            ok()
        });
        let telemetry = config(&collector.url(), &[])
            .with_shutdown_timeout(Duration::from_secs(60))
            .build()
            .unwrap();
        produce(&telemetry);
        assert_eq!(telemetry.shutdown(), Ok(()));
        assert_eq!(collector.spans().len(), SPANS);
    }
}

#[test]
fn a_bound_of_items_or_a_size_of_batches_bounds_the_number() {
    for variable in ["OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"] {
        let telemetry = config(&hanging(), &[(variable, "2048")])
            .with_shutdown_timeout(Duration::from_millis(100))
            .build()
            .unwrap();
        produce(&telemetry);
        let error = telemetry.shutdown().unwrap_err();
        let loss = &error.losses[0];
        assert_eq!(loss.items(), SPANS as u64, "{variable}: {error}");
        // One batch more may be on its way.
        assert!(
            loss.queue_full >= SPANS as u64 - 2 * 2048,
            "{variable}: {error}"
        );
    }
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
