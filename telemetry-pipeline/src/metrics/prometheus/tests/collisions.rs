//! Names that become one, and numbers and units in names and labels.

use super::*;

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
