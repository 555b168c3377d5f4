//! Under every runtime, and under none.

use crate::{collector::Collector, record, tracer, traces_to};

/// The whole life of a pipeline.
fn live() {
    let collector = Collector::start();
    let telemetry = traces_to(&collector.url(), &[]);
    let tracer = tracer(&telemetry);
    record(&tracer, "flushed");
    assert_eq!(telemetry.force_flush(), Ok(()));
    assert_eq!(
        collector.spans(),
        ["flushed"],
        "arrived when the flush returns"
    );
    record(&tracer, "shut down");
    assert_eq!(telemetry.shutdown(), Ok(()));
    assert_eq!(collector.spans(), ["flushed", "shut down"]);
}

#[test]
fn without_a_runtime() {
    live();
}

#[test]
fn on_a_multi_thread_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async { tokio::spawn(async { live() }).await.unwrap() });
}

#[test]
fn on_the_only_thread_of_a_current_thread_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async { live() });
}

#[tokio::test]
async fn in_an_asynchronous_test() {
    live();
}

#[tokio::test]
async fn over_grpc_on_the_only_thread_of_a_runtime() {
    let collector = crate::grpc::Collector::start(None, |_, _| Ok(Default::default()));
    let telemetry = traces_to(&collector.url(), &[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
    record(&tracer(&telemetry), "over gRPC");
    assert_eq!(telemetry.force_flush(), Ok(()));
    assert_eq!(collector.spans(), ["over gRPC"]);
    assert_eq!(telemetry.shutdown(), Ok(()));
}

#[test]
fn built_on_one_runtime_it_outlives_it() {
    let collector = Collector::start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let telemetry = runtime.block_on(async { traces_to(&collector.url(), &[]) });
    drop(runtime);
    record(&tracer(&telemetry), "after");
    assert_eq!(telemetry.shutdown(), Ok(()));
    assert_eq!(collector.spans(), ["after"]);
}

#[test]
fn a_span_after_shutdown_is_dropped_without_harm() {
    let collector = Collector::start();
    let telemetry = traces_to(&collector.url(), &[]);
    let tracer = tracer(&telemetry);
    assert_eq!(telemetry.shutdown(), Ok(()));
    record(&tracer, "late");
    assert_eq!(telemetry.shutdown(), Ok(()));
    let error = telemetry.force_flush().unwrap_err();
    assert_eq!(error.losses[0].shutdown, 1, "{error}");
    assert_eq!(collector.spans(), [""; 0]);
}
