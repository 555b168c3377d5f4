//! The parts of a test's telemetry are those of a pipeline.

use super::*;

#[test]
fn views_apply_as_in_a_pipeline() {
    let telemetry = TestTelemetry::builder()
        .with_view(crate::View::of("orders").keeping_attributes(["kind"]))
        .with_view(crate::View::of("noise").dropped())
        .build();
    let meter = telemetry.providers().meter(scope());
    let orders = meter.u64_counter("orders").build();
    orders.add(1, &[KeyValue::new("kind", "a"), KeyValue::new("id", 1)]);
    orders.add(2, &[KeyValue::new("kind", "a"), KeyValue::new("id", 2)]);
    meter.u64_counter("noise").build().add(1, &[]);
    let query = telemetry.instrument("orders");
    assert_eq!((query.series(), query.value()), (1, 3.0));
    telemetry.instrument("noise").assert_absent();
}

#[test]
fn a_callback_that_panics_costs_one_measurement_as_in_a_pipeline() {
    let telemetry = TestTelemetry::new();
    let meter = telemetry.providers().meter(scope());
    let _broken = meter
        .u64_observable_gauge("broken")
        .with_callback(|_| panic!("broken"))
        .build();
    meter.u64_counter("orders").build().add(1, &[]);
    telemetry.instrument("orders").assert_value(1.0);
    telemetry
        .assert_log("the callback of an observable metric panicked")
        .level(Level::WARN);
}

#[test]
fn the_resource_names_the_service_and_nothing_of_the_machine() {
    let telemetry = TestTelemetry::new();
    let text = telemetry.providers().scrape(ScrapeFormat::OpenMetrics);
    let text = text.unwrap();
    let target = text.lines().find(|line| line.starts_with("target_info{"));
    let target = target.unwrap();
    assert!(
        target.contains(r#"service_name="test",service_namespace="retail""#),
        "{target}"
    );
    assert!(!target.contains("host_name"), "{target}");
}
