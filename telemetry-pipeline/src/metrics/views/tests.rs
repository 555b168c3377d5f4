use std::io::Write as _;

use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState},
};

use super::{view::matches, *};
use crate::{Config, Telemetry};
use telemetry_api::instrument::{duration::BoundDuration, scrape::ScrapeFormat};

const QUIET: [(&str, &str); 6] = [
    ("OTEL_TRACES_EXPORTER", "console"),
    ("OTEL_METRICS_EXPORTER", "none"),
    ("OTEL_LOGS_EXPORTER", "none"),
    ("OTEL_INSTRUMENTATION_PROCESS_ENABLED", "false"),
    ("OTEL_INSTRUMENTATION_TOKIO_ENABLED", "false"),
    ("OTEL_INSTRUMENTATION_SDK_ENABLED", "false"),
];

fn built(views: impl IntoIterator<Item = View>, vars: &[(&str, &str)]) -> Telemetry {
    let vars = QUIET.iter().chain(vars).copied();
    let config = Config::new("shop")
        .with_environment(vars)
        .with_log_sink(|_| {});
    let config = views.into_iter().fold(config, Config::with_view);
    config.build().unwrap()
}

fn bound(
    telemetry: &Telemetry,
    name: &'static str,
    attributes: &[(&'static str, &'static str)],
) -> BoundDuration {
    let providers = telemetry.providers();
    let meter = providers.meter(InstrumentationScope::builder("test").build());
    let attributes: Vec<_> = attributes
        .iter()
        .map(|(key, value)| KeyValue::new(*key, *value))
        .collect();
    providers
        .duration_histogram(&meter, name, "Time", &[0.1, 1.0])
        .bind(&attributes)
}

fn span(trace: u128) -> SpanContext {
    let (trace, span) = (TraceId::from(trace), SpanId::from(2));
    SpanContext::new(
        trace,
        span,
        TraceFlags::SAMPLED,
        false,
        TraceState::default(),
    )
}

/// The lines of buckets with an exemplar, as `name le trace`, and of sums.
fn exposed(telemetry: &Telemetry) -> Vec<String> {
    let text = telemetry
        .providers()
        .scrape(ScrapeFormat::OpenMetrics)
        .unwrap();
    text.lines()
        .filter(|line| line.contains(" # {") || line.contains("_count{"))
        .map(|line| {
            let (series, value) = line.split_once("} ").unwrap();
            let series = series.replace("otel_scope_name=\"test\"", "");
            let trace = value
                .split_once("trace_id=\"")
                .map_or("", |(_, rest)| &rest[28..32]);
            format!("{series} {} {trace}", value.split(' ').next().unwrap())
        })
        .collect()
}

#[test]
fn patterns_select_names() {
    for (pattern, name, selected) in [
        (
            "http.server.request.duration",
            "http.server.request.duration",
            true,
        ),
        ("HTTP.Server.*", "http.server.request.duration", true),
        ("*", "", true),
        ("*.duration", "http.server.duration.total", false),
        ("*.dur*on", "http.duration.duration", true),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("abc", "abcd", false),
        ("", "a", false),
    ] {
        assert_eq!(matches(pattern, name), selected, "{pattern} {name}");
    }
}

#[test]
fn a_renamed_histogram_keeps_its_exemplars_under_the_new_name() {
    let telemetry = built([View::of("old.duration").renamed("new.duration")], &[]);
    bound(&telemetry, "old.duration", &[("a", "x")]).record(0.5, &span(0xabc));
    assert_eq!(
        exposed(&telemetry),
        [
            r#"new_duration_seconds_bucket{a="x",,le="1.0" 1 0abc"#,
            r#"new_duration_seconds_count{a="x", 1 "#,
        ]
    );
}

#[test]
fn series_that_a_dropped_attribute_merges_share_their_latest_exemplars() {
    let telemetry = built([View::of("duration").keeping_attributes(["a"])], &[]);
    let first = bound(&telemetry, "duration", &[("a", "x"), ("id", "1")]);
    let second = bound(&telemetry, "duration", &[("a", "x"), ("id", "2")]);
    let other = bound(&telemetry, "duration", &[("a", "y"), ("id", "1")]);
    first.record(0.5, &span(1));
    second.record(0.5, &span(2));
    first.record(5.0, &span(3));
    other.record(0.05, &span(4));
    let mut exposed = exposed(&telemetry);
    exposed.sort();
    assert_eq!(
        exposed,
        [
            r#"duration_seconds_bucket{a="x",,le="+Inf" 3 0003"#,
            r#"duration_seconds_bucket{a="x",,le="1.0" 2 0002"#,
            r#"duration_seconds_bucket{a="y",,le="0.1" 1 0004"#,
            r#"duration_seconds_count{a="x", 3 "#,
            r#"duration_seconds_count{a="y", 1 "#,
        ]
    );
}

#[test]
fn an_exemplar_stands_in_the_bucket_of_its_value_whatever_buckets_a_view_makes() {
    let telemetry = built(
        [View::of("duration").with_boundaries([0.25, 0.75, 2.0])],
        &[],
    );
    bound(&telemetry, "duration", &[("a", "x")]).record(0.5, &span(7));
    assert_eq!(
        exposed(&telemetry)[0],
        r#"duration_seconds_bucket{a="x",,le="0.75" 1 0007"#
    );
}

#[test]
fn two_instruments_of_one_name_show_no_exemplar_rather_than_the_others() {
    let telemetry = built([View::of("b").renamed("a")], &[]);
    bound(&telemetry, "a", &[("k", "x")]).record(0.5, &span(1));
    bound(&telemetry, "b", &[("k", "y")]).record(0.5, &span(2));
    let exposed = exposed(&telemetry);
    assert!(
        exposed.iter().all(|line| line.contains("_count")),
        "{exposed:?}"
    );
    assert_eq!(exposed.len(), 2);
}

#[test]
fn a_name_that_a_view_freed_does_not_lead_to_the_instrument_that_had_it() {
    let views = [View::of("a").renamed("b"), View::of("b").renamed("a")];
    let telemetry = built(views, &[]);
    bound(&telemetry, "a", &[("k", "x")]).record(0.5, &span(1));
    bound(&telemetry, "b", &[("k", "x")]).record(0.5, &span(2));
    let exposed = exposed(&telemetry);
    assert!(
        exposed.contains(&r#"a_seconds_bucket{k="x",,le="1.0" 1 0002"#.to_owned()),
        "{exposed:?}"
    );
    assert!(
        exposed.contains(&r#"b_seconds_bucket{k="x",,le="1.0" 1 0001"#.to_owned()),
        "{exposed:?}"
    );
}

#[test]
fn views_select_by_kind_unit_and_scope_and_drop() {
    let telemetry = built(
        [
            View::of("*").of_kind(InstrumentKind::Counter).dropped(),
            View::of("*").of_unit("By").dropped(),
            View::of("*").in_scope("noise").dropped(),
        ],
        &[],
    );
    let meter = |scope: &'static str| {
        let scope = InstrumentationScope::builder(scope).build();
        telemetry.providers().meter(scope)
    };
    meter("test").u64_counter("counted").build().add(1, &[]);
    meter("test")
        .u64_gauge("size")
        .with_unit("By")
        .build()
        .record(1, &[]);
    meter("noise").u64_gauge("noisy").build().record(1, &[]);
    meter("test").u64_gauge("kept").build().record(1, &[]);
    let text = telemetry
        .providers()
        .scrape(ScrapeFormat::Prometheus)
        .unwrap();
    assert!(text.contains("kept{"), "{text}");
    for dropped in ["counted", "size", "noisy"] {
        assert!(!text.contains(dropped), "{text}");
    }
}

#[test]
fn a_view_beside_exponential_histograms_makes_no_second_metric() {
    let vars = [
        ("OTEL_METRICS_EXPORTER", "otlp"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "3600000"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            "base2_exponential_bucket_histogram",
        ),
    ];
    let telemetry = built([View::of("explicit").with_boundaries([1.0])], &vars);
    bound(&telemetry, "explicit", &[("a", "x")]).record(0.5, &span(1));
    bound(&telemetry, "exponential", &[("a", "x")]).record(0.5, &span(1));
    // Exponential ones have no text form.
    assert_eq!(
        exposed(&telemetry),
        [
            r#"explicit_seconds_bucket{a="x",,le="1.0" 1 0001"#,
            r#"explicit_seconds_count{a="x", 1 "#,
        ]
    );
}

#[test]
fn a_view_that_is_not_valid_is_a_warning_and_no_view() {
    let views = [
        View::of("a.*").renamed("b"),
        View::of("c").with_boundaries([2.0, 1.0]),
        View::of("d").with_cardinality_limit(0),
        View::of("e").described("fine"),
    ];
    let telemetry = built(views, &[]);
    let warnings = telemetry.warnings();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    for (warning, name) in warnings.iter().zip(["\"a.*\"", "\"c\"", "\"d\""]) {
        assert!(
            warning.contains(name) && warning.contains("ignoring it"),
            "{warning}"
        );
    }
}

#[test]
fn the_declarative_file_has_views() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(
        br#"file_format: "1.0"
tracer_provider: {processors: [{batch: {exporter: {console: }}}]}
meter_provider:
  views:
    - selector: {instrument_name: old.duration, instrument_type: histogram, unit: s, meter_name: test}
      stream:
        name: new.duration
        description: How long
        aggregation: {explicit_bucket_histogram: {boundaries: [0.25, 0.75], record_min_max: false}}
        aggregation_cardinality_limit: 1
        attribute_keys: {included: [a]}
    - selector: {instrument_name: "noise*"}
      stream: {aggregation: {drop: }}
    - selector: {instrument_name: "x*"}
      stream: {name: y}
"#,
    )
    .unwrap();
    let path = file.path().to_str().unwrap();
    let telemetry = built([], &[("OTEL_CONFIG_FILE", path)]);
    let warnings = telemetry.warnings();
    // The second one names the variables of this test that the file replaces.
    assert!(
        warnings.len() == 2
            && warnings[0].contains("line 14: meter_provider.views[2] is not valid"),
        "{warnings:?}"
    );
    for (value, id) in [("x", "1"), ("x", "2"), ("y", "3")] {
        bound(&telemetry, "old.duration", &[("a", value), ("id", id)]).record(0.5, &span(1));
    }
    bound(&telemetry, "noise.duration", &[]).record(0.5, &span(1));
    let text = telemetry
        .providers()
        .scrape(ScrapeFormat::OpenMetrics)
        .unwrap();
    for part in [
        "# HELP new_duration_seconds How long",
        r#"new_duration_seconds_bucket{a="x",otel_scope_name="test",le="0.75"} 2 # {trace_id="#,
        r#"new_duration_seconds_count{otel_metric_overflow="true",otel_scope_name="test"} 1"#,
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        !text.contains("noise") && !text.contains("old_duration"),
        "{text}"
    );
}
