//! `/metrics`: whatever names, units, attributes and another registry's text are made of, a strict reader of OpenMetrics
//! takes our own families.

#![no_main]

use libfuzzer_sys::fuzz_target;
use opentelemetry::{InstrumentationScope, KeyValue};
use telemetry_core::{scrape::ScrapeFormat, testing::TestTelemetry};

#[path = "../../telemetry-pipeline/src/metrics/prometheus/strict_parser.rs"]
#[allow(dead_code)]
mod strict;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let mut words = text.split('\u{1}').map(str::to_owned);
    let mut word = || words.next().unwrap_or_default();
    let telemetry = TestTelemetry::new();
    let scope = InstrumentationScope::builder(word())
        .with_version(word())
        .with_attributes([KeyValue::new(word(), word())])
        .build();
    let meter = telemetry.providers().meter(scope);
    let attributes = [KeyValue::new(word(), word()), KeyValue::new(word(), word())];
    meter
        .u64_counter(word())
        .with_unit(word())
        .with_description(word())
        .build()
        .add(1, &attributes);
    meter
        .f64_histogram(word())
        .with_unit(word())
        .with_description(word())
        .with_boundaries(vec![0.5])
        .build()
        .record(1.0, &attributes);
    meter
        .i64_up_down_counter(word())
        .with_unit(word())
        .build()
        .add(-1, &attributes);
    let scraped = telemetry
        .providers()
        .scrape(ScrapeFormat::OpenMetrics)
        .expect("there is a pull output");
    if let Err(error) = strict::parse(&scraped) {
        panic!("{error}\n{scraped}");
    }
    let plain = telemetry
        .providers()
        .scrape(ScrapeFormat::Prometheus)
        .expect("there is a pull output");
    assert!(!plain.contains("# EOF"));

    // The text of another registry must not stop ours.
    let foreign = word();
    let telemetry = TestTelemetry::new();
    let meter = telemetry
        .providers()
        .meter(InstrumentationScope::builder("own").build());
    meter.u64_counter("own").build().add(7, &[]);
    telemetry
        .providers()
        .merge_metrics(std::sync::Arc::new(move || foreign.clone()));
    let scraped = telemetry
        .providers()
        .scrape(ScrapeFormat::OpenMetrics)
        .expect("there is a pull output");
    assert!(
        scraped.contains("\nown_total{") && scraped.ends_with("# EOF\n"),
        "{scraped}"
    );
});
