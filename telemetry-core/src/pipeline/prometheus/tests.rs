use opentelemetry::{
    metrics::MeterProvider as _,
    trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::metrics::SdkMeterProvider;

use super::{name::FamilyName, *};
use crate::metrics::DurationHistogram;

fn scraped(
    format: ScrapeFormat,
    record: impl FnOnce(&opentelemetry::metrics::Meter, &Arc<ExemplarStore>),
) -> String {
    let reader = SharedReader::new();
    let provider = SdkMeterProvider::builder()
        .with_reader(reader.clone())
        .build();
    let exemplars = Arc::new(ExemplarStore::default());
    record(&provider.meter("shop"), &exemplars);
    let resource = Resource::builder_empty()
        .with_attribute(KeyValue::new("service.name", "retail-web"))
        .build();
    TextExposition::new(reader, exemplars, &resource).scrape(format)
}

#[test]
fn a_histogram_carries_the_exemplars_of_sampled_spans() {
    let text = scraped(ScrapeFormat::OpenMetrics, |meter, exemplars| {
        let histogram = DurationHistogram::new(
            meter,
            exemplars.clone(),
            "http.server.request.duration".into(),
            "Duration of HTTP server requests.",
            &[0.1, 1.0],
        );
        let span = SpanContext::new(
            TraceId::from(0xabc),
            SpanId::from(0xdef),
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        );
        let series = histogram.bind(&[KeyValue::new("http.route", "/a")]);
        series.record(0.05, &SpanContext::NONE);
        series.record(0.5, &span);
    });
    let text = text.split(" 0.5 ").next().unwrap();
    let expected = r#"# TYPE target info
# HELP target Target metadata
target_info{service_name="retail-web"} 1
# TYPE http_server_request_duration_seconds histogram
# UNIT http_server_request_duration_seconds seconds
# HELP http_server_request_duration_seconds Duration of HTTP server requests.
http_server_request_duration_seconds_bucket{http_route="/a",otel_scope_name="shop",le="0.1"} 1
http_server_request_duration_seconds_bucket{http_route="/a",otel_scope_name="shop",le="1.0"} 2 # {trace_id="00000000000000000000000000000abc",span_id="0000000000000def"}"#;
    assert_eq!(text, expected);
}

#[test]
fn the_classic_format_has_totals_in_its_headers_and_no_exemplars() {
    let text = scraped(ScrapeFormat::Prometheus, |meter, _| {
        let counter = meter
            .u64_counter("retail.steps")
            .with_unit("{step}")
            .build();
        counter.add(2, &[KeyValue::new("a", "x\"\n\\")]);
        meter
            .i64_up_down_counter("queue.length")
            .build()
            .add(-3, &[]);
        meter
            .f64_gauge("cache.hits")
            .with_unit("1")
            .build()
            .record(0.5, &[]);
    });
    let expected = r#"# TYPE target_info gauge
# HELP target_info Target metadata
target_info{service_name="retail-web"} 1
# TYPE cache_hits_ratio gauge
cache_hits_ratio{otel_scope_name="shop"} 0.5
# TYPE queue_length gauge
queue_length{otel_scope_name="shop"} -3
# TYPE retail_steps_total counter
retail_steps_total{a="x\"\n\\",otel_scope_name="shop"} 2
"#;
    assert_eq!(text, expected);
}

#[test]
fn names_and_units_are_translated_as_specified() {
    let base = |name, unit, kind| FamilyName::new(name, unit, kind).base;
    assert_eq!(
        base("http.server.request.duration", "s", Kind::Histogram),
        "http_server_request_duration_seconds"
    );
    assert_eq!(
        base("http.requests.total", "{request}", Kind::Counter),
        "http_requests"
    );
    assert_eq!(
        base("memory.usage_bytes", "By", Kind::Gauge),
        "memory_usage_bytes"
    );
    assert_eq!(base("speed", "m/s", Kind::Gauge), "speed_meters_per_second");
    assert_eq!(base("share", "1", Kind::Counter), "share");
    assert_eq!(base("2xx--rate", "", Kind::Gauge), "_2xx_rate");
}
