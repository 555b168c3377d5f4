use opentelemetry::{
    KeyValue,
    metrics::MeterProvider as _,
    trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::metrics::SdkMeterProvider;

use super::{
    family_name::{FamilyName, Kind},
    *,
};
use telemetry_api::instrument::duration::DurationHistogram;

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
    TextExposition::new(reader, exemplars, &resource, Arc::default()).scrape(format)
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
fn a_business_counter_carries_the_exemplar_of_the_last_sampled_span() {
    use opentelemetry::{
        Context,
        trace::{SpanKind, TraceContextExt as _},
    };

    static ORDERS: telemetry_api::business_metrics::Counter =
        telemetry_api::business_metrics::counter("shop.orders").unit("{order}");
    let telemetry = crate::testing::TestTelemetry::new();
    let providers = telemetry.providers();
    let _default = providers.set_default();
    let tracer = providers.tracer(opentelemetry::InstrumentationScope::builder("t").build());
    let mut span = SpanContext::NONE;
    for count in [2, 3] {
        let cx = tracer.start(&Context::new(), "GET /", SpanKind::Server, Vec::new);
        span = cx.span().span_context().clone();
        let _current = cx.attach();
        ORDERS.add(count, ("outcome", "ok"));
    }
    ORDERS.add(4, ("outcome", "ok"));
    ORDERS.add(1, ("outcome", "untraced"));
    telemetry_api::business_metrics::up_down_counter("shop.carts").add(1, ());

    let text = providers.scrape(ScrapeFormat::OpenMetrics).unwrap();
    strict_parser::parse(&text).unwrap_or_else(|wrong| panic!("{wrong}\n{text}"));
    let line = |label: &str| text.lines().find(|line| line.contains(label)).unwrap();
    let exemplar = format!(
        r#"outcome="ok"}} 9 # {{trace_id="{}",span_id="{}"}} 3 "#,
        span.trace_id(),
        span.span_id()
    );
    assert!(line(r#"outcome="ok""#).contains(&exemplar), "{text}");
    assert!(line(r#"outcome="untraced""#).ends_with("} 1"), "{text}");
    let classic = providers.scrape(ScrapeFormat::Prometheus).unwrap();
    assert!(
        classic.contains("} 9\n") && !classic.contains(" # "),
        "{classic}"
    );
}

#[test]
fn business_metrics_are_named_with_their_units() {
    static WAIT: telemetry_api::business_metrics::Histogram =
        telemetry_api::business_metrics::histogram("shop.wait").unit("s");
    static UPLOADED: telemetry_api::business_metrics::Counter =
        telemetry_api::business_metrics::counter("shop.uploaded").unit("By");
    static STOCK: telemetry_api::business_metrics::Gauge =
        telemetry_api::business_metrics::gauge("shop.stock").unit("{item}");
    let telemetry = crate::testing::TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    WAIT.record(std::time::Duration::from_millis(1500), ());
    UPLOADED.add(7, ());
    STOCK.set(23, ());
    let text = telemetry
        .providers()
        .scrape(ScrapeFormat::OpenMetrics)
        .unwrap();
    strict_parser::parse(&text).unwrap_or_else(|wrong| panic!("{wrong}\n{text}"));
    for expected in [
        "# TYPE shop_wait_seconds histogram\n# UNIT shop_wait_seconds seconds\n",
        "\nshop_wait_seconds_sum{",
        "# TYPE shop_uploaded_bytes counter\n# UNIT shop_uploaded_bytes bytes\nshop_uploaded_bytes_total{",
        "# TYPE shop_stock gauge\nshop_stock{",
    ] {
        assert!(text.contains(expected), "{text}");
    }
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

fn expositions(
    foreign: &'static str,
    record: impl Fn(&opentelemetry::metrics::Meter, &opentelemetry::metrics::Meter),
) -> [String; 2] {
    let reader = SharedReader::new();
    let provider = SdkMeterProvider::builder()
        .with_reader(reader.clone())
        .build();
    let scope = opentelemetry::InstrumentationScope::builder("other")
        .with_version("2")
        .with_schema_url("https://shop.example/1")
        .with_attributes([KeyValue::new("team", "a\"b"), KeyValue::new("name", "lost")])
        .build();
    record(&provider.meter("shop"), &provider.meter_with_scope(scope));
    let resource = Resource::builder_empty().build();
    let text = TextExposition::new(reader, Arc::default(), &resource, Arc::default());
    assert!(text.merge(Arc::new(move || foreign.to_owned())));
    [ScrapeFormat::OpenMetrics, ScrapeFormat::Prometheus].map(|format| text.scrape(format))
}

#[test]
fn whatever_is_recorded_the_text_is_strict_openmetrics() {
    let [text, _] = expositions("", |meter, other| {
        let hostile = [
            KeyValue::new("a.b", "x"),
            KeyValue::new("a:b", "y"),
            KeyValue::new("le", "1"),
            KeyValue::new("9", "\\\"\n"),
            KeyValue::new("", "empty"),
            KeyValue::new("ü", f64::NAN),
        ];
        for meter in [meter, other] {
            meter
                .f64_histogram("latency")
                .with_unit("s")
                .with_description("quote \" and \\ and \n")
                .build()
                .record(0.5, &hostile);
            meter.u64_counter("jobs").build().add(1, &hostile);
            meter.u64_counter("jobs.total").build().add(1, &hostile);
            meter.f64_gauge("jobs_total").build().record(0.5, &[]);
            meter.i64_gauge("jobs").build().record(-1, &[]);
            meter
                .i64_gauge("latency_seconds_count")
                .build()
                .record(1, &[]);
            meter.f64_gauge("target").build().record(-2.0, &[]);
            meter
                .f64_gauge("one.of/all")
                .with_unit("1")
                .build()
                .record(1e300, &[]);
        }
    });
    let families = strict_parser::parse(&text).unwrap_or_else(|wrong| panic!("{wrong}\n{text}"));
    let shown: Vec<_> = families
        .iter()
        .map(|(name, kind)| format!("{name} {kind}"))
        .collect();
    let expected = [
        "jobs counter",
        "jobs_gauge gauge",
        "jobs_total_gauge gauge",
        "latency_seconds histogram",
        "latency_seconds_count_gauge gauge",
        "one_of_all_ratio gauge",
        "target info",
        "target_gauge gauge",
    ];
    assert_eq!(shown, expected, "{text}");
    assert!(
        text.contains(r#"jobs_total_gauge{otel_scope_name="other",otel_scope_schema_url="https://shop.example/1",otel_scope_team="a\"b",otel_scope_version="2"} 0.5"#),
        "{text}"
    );
    assert!(text.contains(r#"exported_le="1""#), "{text}");
}

const FOREIGN: &str = "# HELP jobs Jobs.
# TYPE jobs counter
jobs_total{q=\"# {\"} 3 # {trace_id=\"a\"} 1.0
# HELP latency_seconds Latency.
# TYPE latency_seconds gauge
# UNIT latency_seconds seconds
latency_seconds 7
# TYPE build info
build_info{version=\"1\"} 1
# EOF
";

#[test]
fn another_registry_is_shown_once_and_beside_ours() {
    let [open_metrics, prometheus] = expositions(FOREIGN, |meter, _| {
        meter.u64_counter("jobs").build().add(1, &[]);
        let latency = meter.f64_histogram("latency").with_unit("s").build();
        latency.record(0.5, &[]);
    });
    let families = strict_parser::parse(&open_metrics).unwrap_or_else(|wrong| panic!("{wrong}"));
    let names: Vec<_> = families.keys().map(String::as_str).collect();
    let expected = [
        "build",
        "jobs",
        "latency_seconds",
        "latency_seconds_gauge",
        "target",
    ];
    assert_eq!(names, expected);
    assert!(
        open_metrics.contains("# TYPE jobs counter\njobs_total{otel_scope_name=\"shop\"} 1\njobs_total{q=\"# {\"} 3 # {trace_id=\"a\"} 1.0\n"),
        "{open_metrics}"
    );
    for expected in [
        "# TYPE build_info gauge\nbuild_info{version=\"1\"} 1\n",
        "# TYPE jobs_total counter\njobs_total{otel_scope_name=\"shop\"} 1\njobs_total{q=\"# {\"} 3\n",
        "# TYPE latency_seconds_gauge gauge\n# HELP latency_seconds_gauge Latency.\nlatency_seconds_gauge 7\n",
    ] {
        assert!(prometheus.contains(expected), "{prometheus}");
    }
    assert!(!prometheus.contains("trace_id") && !prometheus.contains("EOF"));
}

#[test]
fn a_registry_of_prometheus_client_is_strict_openmetrics_too() {
    use prometheus_client::metrics::{
        counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info,
    };
    let mut registry = prometheus_client::registry::Registry::with_prefix("shop");
    registry.register(
        "jobs",
        "Jobs",
        Family::<Vec<(String, String)>, Counter>::default(),
    );
    registry.register("temperature", "Heat", Gauge::<i64>::default());
    registry.register("build", "Build", Info::new(vec![("version", "1")]));
    let histogram = Histogram::new([0.1, 1.0]);
    histogram.observe(0.5);
    let unit = prometheus_client::registry::Unit::Seconds;
    registry.register_with_unit("wait", "Waiting", unit, histogram);
    let telemetry = crate::testing::TestTelemetry::new();
    let providers = telemetry.providers();
    assert!(providers.merge_registry(Arc::new(registry)));
    let text = providers.scrape(ScrapeFormat::OpenMetrics).unwrap();
    let families = strict_parser::parse(&text).unwrap_or_else(|wrong| panic!("{wrong}\n{text}"));
    assert_eq!(families["shop_wait_seconds"], "histogram");
    assert_eq!(families["shop_build"], "info");
}

#[test]
fn ten_thousand_series_are_scraped_whole_from_several_threads_at_once() {
    let telemetry = crate::testing::TestTelemetry::new();
    let meter = telemetry
        .providers()
        .meter(opentelemetry::InstrumentationScope::builder("s").build());
    for instrument in 0..10 {
        let counter = meter.u64_counter(format!("jobs.{instrument}")).build();
        for i in 0..1000 {
            counter.add(
                1,
                &[KeyValue::new("queue", i), KeyValue::new("shop.kind", "a")],
            );
        }
    }
    let started = std::time::Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let text = telemetry
                    .providers()
                    .scrape(ScrapeFormat::OpenMetrics)
                    .unwrap();
                assert_eq!(
                    text.lines()
                        .filter(|line| line.starts_with("jobs_"))
                        .count(),
                    10_000
                );
            });
        }
    });
    // Optimised it is a few milliseconds (examples/scrape.rs); this only catches what grows faster than the series.
    assert!(started.elapsed() < std::time::Duration::from_secs(5));
}

#[test]
fn a_name_that_is_nothing_but_its_unit_declares_none() {
    let text = scraped(ScrapeFormat::OpenMetrics, |meter, _| {
        let gauge = meter.u64_gauge("seconds").with_unit("s").build();
        gauge.record(1, &[]);
    });
    strict_parser::parse(&text).unwrap_or_else(|wrong| panic!("{wrong}\n{text}"));
    assert!(text.contains("\n# TYPE seconds gauge\nseconds{"), "{text}");
}

#[test]
fn values_that_share_a_label_stand_in_the_order_of_their_keys() {
    let keys = ["hello_world", "hello.world", "hello-world"];
    for turn in 0..3 {
        let text = scraped(ScrapeFormat::OpenMetrics, |meter, _| {
            let mut attributes: Vec<_> = keys.map(|key| KeyValue::new(key, key)).into();
            attributes.rotate_left(turn);
            meter.u64_counter("jobs").build().add(1, &attributes);
        });
        let expected = r#"hello_world="hello-world;hello.world;hello_world""#;
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn a_series_never_stands_twice_and_a_warning_says_why_once() {
    let telemetry = crate::testing::TestTelemetry::new();
    let meter = telemetry
        .providers()
        .meter(opentelemetry::InstrumentationScope::builder("s").build());
    let jobs = meter.u64_counter("jobs").build();
    jobs.add(1, &[KeyValue::new("queue.name", "a")]);
    jobs.add(2, &[KeyValue::new("queue_name", "a")]);
    jobs.add(4, &[KeyValue::new("queue_name", "b")]);
    let wait = meter.f64_histogram("wait").build();
    wait.record(1.0, &[KeyValue::new("queue.name", "a")]);
    wait.record(1.0, &[KeyValue::new("queue-name", "a")]);
    let scope = [KeyValue::new("otel.scope.name", "s")];
    meter.u64_gauge("depth").build().record(1, &scope);
    for format in [ScrapeFormat::OpenMetrics, ScrapeFormat::Prometheus] {
        let text = telemetry.providers().scrape(format).unwrap();
        let count = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
        assert_eq!(
            (count("jobs_total{"), count("wait_count{")),
            (2, 1),
            "{text}"
        );
        assert!(text.contains(r#"depth{otel_scope_name="s;s"}"#), "{text}");
        if format == ScrapeFormat::OpenMetrics {
            strict_parser::parse(&text).unwrap_or_else(|wrong| panic!("{wrong}\n{text}"));
        }
    }
    let warnings = telemetry.assert_log("several series have the same name and labels");
    let families: Vec<_> = warnings.count(2).all();
    assert_eq!(families[0].field("family"), Some(&"jobs".into()));
    assert_eq!(families[1].field("family"), Some(&"wait".into()));
}

#[test]
fn an_attribute_of_a_scope_cannot_pose_as_its_name() {
    let labels = |key: &'static str| {
        let scope = opentelemetry::InstrumentationScope::builder("real")
            .with_attributes([KeyValue::new(key, "forged")])
            .build();
        let labels = sample_lines::ScopeLabels::new(&scope);
        Labels::of_point(&labels, &mut std::iter::empty())
            .as_str()
            .to_owned()
    };
    for key in ["name", "version", "schema_url", "schema.url", "-name"] {
        assert_eq!(labels(key), r#"otel_scope_name="real""#, "{key}");
    }
    assert!(labels("team").contains(r#"otel_scope_team="forged""#));
}

#[test]
fn bounds_are_canonical_numbers() {
    let text = scraped(ScrapeFormat::OpenMetrics, |meter, _| {
        let histogram = meter
            .f64_histogram("size")
            .with_boundaries(vec![5e-5, 1.0, 1e6]);
        histogram.build().record(2.0, &[]);
    });
    for le in ["5e-05", "1.0", "1e+06", "+Inf"] {
        assert!(text.contains(&format!("le=\"{le}\"")), "{text}");
    }
    strict_parser::parse(&text).unwrap_or_else(|wrong| panic!("{wrong}\n{text}"));
}

#[test]
fn rates_have_a_suffix() {
    let base = |unit| FamilyName::new("load", unit, Kind::Gauge).base;
    assert_eq!(base("{request}/s"), "load_per_second");
    assert_eq!(base("{fault}/min"), "load_per_minute");
    assert_eq!(base("TiBy"), "load_tebibytes");
    assert_eq!(base("kBy"), "load_kilobytes");
    assert_eq!(base("{request}"), "load");
}

#[tokio::test]
async fn a_step_that_is_counted_in_a_sampled_trace_is_the_exemplar_of_its_count() {
    let telemetry = crate::testing::TestTelemetry::new();
    let _default = telemetry.set_default();
    let step = telemetry_api::step("Reserve").stage("stock");
    step.run(async { Ok::<_, std::fmt::Error>(()) })
        .await
        .unwrap();
    let span = telemetry.assert_span("Reserve").one();
    let text = telemetry.providers().scrape(ScrapeFormat::OpenMetrics);
    let text = text.unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("retail_steps_total{"));
    let trace = format!("# {{trace_id=\"{}\"", span.span_context.trace_id());
    assert!(line.unwrap().contains(&trace), "{text}");
}
