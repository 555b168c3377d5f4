//! How long a scrape of 10,000 series takes: `cargo run --release -p telemetry-core --example scrape`.

use std::{error::Error, io::Write, time::Instant};

use opentelemetry::{InstrumentationScope, KeyValue};
use telemetry_api::instrument::scrape::ScrapeFormat;
use telemetry_pipeline::testing::TestTelemetry;

fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = TestTelemetry::new();
    let scope = InstrumentationScope::builder("scrape").build();
    let meter = telemetry.providers().meter(scope);
    for instrument in 0..10 {
        let counter = meter.u64_counter(format!("jobs.{instrument}")).build();
        for queue in 0..1000 {
            let attributes = [
                KeyValue::new("queue", queue),
                KeyValue::new("shop.region", "north"),
            ];
            counter.add(1, &attributes);
        }
    }
    let mut out = std::io::stdout();
    for _ in 0..5 {
        let started = Instant::now();
        let text = telemetry
            .providers()
            .scrape(ScrapeFormat::OpenMetrics)
            .unwrap_or_default();
        let elapsed = started.elapsed();
        writeln!(out, "{} lines in {elapsed:?}", text.lines().count())?;
    }
    Ok(())
}
