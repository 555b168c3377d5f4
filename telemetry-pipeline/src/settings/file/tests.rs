use std::io::Write as _;

use super::*;
use crate::{Config, config::Plan, resource::attribute_text};

const EMPTY: &str = "file_format: \"1.0\"\n";

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn config(text: &str, vars: &[(&str, &str)]) -> (tempfile::NamedTempFile, Config) {
    let file = file(text);
    let path = file.path().to_str().unwrap().to_owned();
    let vars = vars.iter().copied().chain([("OTEL_CONFIG_FILE", &*path)]);
    let config = Config::new("shop")
        .with_environment(vars)
        .with_log_sink(|_| {});
    (file, config)
}

fn resolved(text: &str, vars: &[(&str, &str)]) -> Plan {
    config(text, vars).1.resolve().unwrap()
}

fn error(text: &str) -> String {
    config(text, &[]).1.resolve().unwrap_err().to_string()
}

/// Every setting that a file can have, with a value that is not its default.
const EVERYTHING: &str = r#"
file_format: "1.1"
disabled: false
log_level: debug2
resource:
  attributes_list: "team=caf%C3%A9,service.name=listed"
  attributes:
    - {name: service.name, value: named}
    - {name: shard, value: 3, type: int}
    - {name: zones, value: [a, b], type: string_array}
    - {name: absent, value: }
attribute_limits:
  attribute_count_limit: 10
  attribute_value_length_limit: 11
propagator:
  composite: [{baggage: }]
  composite_list: "tracecontext"
tracer_provider:
  limits:
    attribute_count_limit: 20
    attribute_value_length_limit: 21
    event_count_limit: 22
    link_count_limit: 23
    event_attribute_count_limit: 24
    link_attribute_count_limit: 25
  sampler:
    parent_based:
      root:
        trace_id_ratio_based: {ratio: 0.25}
      remote_parent_sampled:
        always_on:
  processors:
    - batch:
        schedule_delay: 30
        export_timeout: 31
        max_queue_size: 33
        max_export_batch_size: 32
        exporter:
          otlp_grpc:
            endpoint: collector:1
            tls: {ca_file: /ca, key_file: /key, cert_file: /cert, insecure: true}
            compression: gzip
            timeout: 34
            headers_list: "a=list,b=list"
            headers:
              - {name: A, value: "na,me=d"}
    - simple:
        exporter:
          console:
meter_provider:
  exemplar_filter: always_on
  readers:
    - periodic:
        interval: 40
        timeout: 41
        exporter:
          otlp_http:
            endpoint: http://collector:2/own
            encoding: json
            temporality_preference: delta
            default_histogram_aggregation: base2_exponential_bucket_histogram
    - pull:
        exporter:
          prometheus/development: {host: 127.0.0.1, port: 50}
logger_provider:
  limits:
    attribute_count_limit: 60
    attribute_value_length_limit: 61
  processors:
    - batch:
        schedule_delay: 62
        export_timeout: 63
        max_queue_size: 65
        max_export_batch_size: 64
        exporter:
          otlp_http:
            endpoint: http://collector:3
            tls: {ca_file: /logs}
"#;

#[test]
fn a_file_says_what_the_variables_say() {
    let report = resolved(EVERYTHING, &[]).settings.report().0;
    for (name, value, key) in [
        ("OTEL_SERVICE_NAME", "named", "resource.attributes[0]"),
        ("OTEL_SDK_DISABLED", "false", "disabled"),
        ("OTEL_LOG_LEVEL", "debug", "log_level"),
        ("OTEL_PROPAGATORS", "baggage,tracecontext", "propagator"),
        (
            "OTEL_ATTRIBUTE_COUNT_LIMIT",
            "10",
            "attribute_limits.attribute_count_limit",
        ),
        (
            "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            "11",
            "attribute_limits.attribute_value_length_limit",
        ),
        (
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
            "20",
            "tracer_provider.limits.attribute_count_limit",
        ),
        (
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            "21",
            "tracer_provider.limits.attribute_value_length_limit",
        ),
        (
            "OTEL_SPAN_EVENT_COUNT_LIMIT",
            "22",
            "tracer_provider.limits.event_count_limit",
        ),
        (
            "OTEL_SPAN_LINK_COUNT_LIMIT",
            "23",
            "tracer_provider.limits.link_count_limit",
        ),
        (
            "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
            "24",
            "tracer_provider.limits.event_attribute_count_limit",
        ),
        (
            "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
            "25",
            "tracer_provider.limits.link_attribute_count_limit",
        ),
        (
            "OTEL_TRACES_SAMPLER",
            "parentbased_traceidratio",
            "tracer_provider.sampler.parent_based.root.trace_id_ratio_based",
        ),
        (
            "OTEL_TRACES_SAMPLER_ARG",
            "0.25",
            "tracer_provider.sampler.parent_based.root.trace_id_ratio_based.ratio",
        ),
        (
            "OTEL_TRACES_EXPORTER",
            "otlp,console",
            "tracer_provider.processors",
        ),
        (
            "OTEL_BSP_SCHEDULE_DELAY",
            "30",
            "tracer_provider.processors[0].batch.schedule_delay",
        ),
        (
            "OTEL_BSP_EXPORT_TIMEOUT",
            "31",
            "tracer_provider.processors[0].batch.export_timeout",
        ),
        (
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
            "32",
            "tracer_provider.processors[0].batch.max_export_batch_size",
        ),
        (
            "OTEL_BSP_MAX_QUEUE_SIZE",
            "33",
            "tracer_provider.processors[0].batch.max_queue_size",
        ),
        (
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
            "grpc",
            "tracer_provider.processors[0].batch.exporter.otlp_grpc",
        ),
        (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "collector:1",
            "tracer_provider.processors[0].batch.exporter.otlp_grpc.endpoint",
        ),
        (
            "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
            "true",
            "tracer_provider.processors[0].batch.exporter.otlp_grpc.tls.insecure",
        ),
        (
            "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
            "/ca",
            "tracer_provider.processors[0].batch.exporter.otlp_grpc.tls.ca_file",
        ),
        (
            "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
            "/key",
            "tracer_provider.processors[0].batch.exporter.otlp_grpc.tls.key_file",
        ),
        (
            "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
            "/cert",
            "tracer_provider.processors[0].batch.exporter.otlp_grpc.tls.cert_file",
        ),
        (
            "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
            "gzip",
            "tracer_provider.processors[0].batch.exporter.otlp_grpc.compression",
        ),
        (
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
            "34",
            "tracer_provider.processors[0].batch.exporter.otlp_grpc.timeout",
        ),
        (
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
            "b=REDACTED,A=REDACTED",
            "tracer_provider.processors[0].batch.exporter.otlp_grpc.headers",
        ),
        (
            "OTEL_METRICS_EXPORTER",
            "otlp,prometheus",
            "meter_provider.readers",
        ),
        (
            "OTEL_METRICS_EXEMPLAR_FILTER",
            "always_on",
            "meter_provider.exemplar_filter",
        ),
        (
            "OTEL_METRIC_EXPORT_INTERVAL",
            "40",
            "meter_provider.readers[0].periodic.interval",
        ),
        (
            "OTEL_METRIC_EXPORT_TIMEOUT",
            "41",
            "meter_provider.readers[0].periodic.timeout",
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
            "http/json",
            "meter_provider.readers[0].periodic.exporter.otlp_http.encoding",
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
            "http://collector:2/own",
            "meter_provider.readers[0].periodic.exporter.otlp_http.endpoint",
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "delta",
            "meter_provider.readers[0].periodic.exporter.otlp_http.temporality_preference",
        ),
        (
            "OTEL_EXPORTER_PROMETHEUS_HOST",
            "127.0.0.1",
            "meter_provider.readers[1].pull.exporter.prometheus/development.host",
        ),
        (
            "OTEL_EXPORTER_PROMETHEUS_PORT",
            "50",
            "meter_provider.readers[1].pull.exporter.prometheus/development.port",
        ),
        ("OTEL_LOGS_EXPORTER", "otlp", "logger_provider.processors"),
        (
            "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
            "60",
            "logger_provider.limits.attribute_count_limit",
        ),
        (
            "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            "61",
            "logger_provider.limits.attribute_value_length_limit",
        ),
        (
            "OTEL_BLRP_SCHEDULE_DELAY",
            "62",
            "logger_provider.processors[0].batch.schedule_delay",
        ),
        (
            "OTEL_BLRP_EXPORT_TIMEOUT",
            "63",
            "logger_provider.processors[0].batch.export_timeout",
        ),
        (
            "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
            "64",
            "logger_provider.processors[0].batch.max_export_batch_size",
        ),
        (
            "OTEL_BLRP_MAX_QUEUE_SIZE",
            "65",
            "logger_provider.processors[0].batch.max_queue_size",
        ),
        (
            "OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE",
            "/logs",
            "logger_provider.processors[0].batch.exporter.otlp_http.tls.ca_file",
        ),
    ] {
        let entry = report.get(name).unwrap();
        assert_eq!(
            (&*entry.value, &*entry.source.to_string()),
            (value, &*format!("file {key}")),
            "{name}"
        );
    }
}

#[test]
fn a_file_reaches_resource_and_endpoints() {
    let settings = resolved(EVERYTHING, &[]);
    let attribute = |key: &'static str| {
        let value = settings.resource.get(&opentelemetry::Key::new(key));
        value.map(|value| format!("{value:?}")).unwrap_or_default()
    };
    assert!(attribute("team").contains("café"));
    assert!(attribute("shard").contains("I64(3)"));
    assert!(attribute("zones").contains("Array"));
    assert_eq!(attribute("absent"), "");
    let traces = settings.traces.export.unwrap();
    assert_eq!(traces.origin, "http://collector:1");
    assert_eq!(traces.headers.get("a").unwrap(), "na,me=d");
    assert_eq!(traces.headers.get("b").unwrap(), "list");
    assert_eq!(
        settings.metrics.export.unwrap().url,
        "http://collector:2/own"
    );
    // The one thing in it that cannot be had together.
    assert_eq!(
        settings.settings.warnings.len(),
        1,
        "{:?}",
        settings.settings.warnings
    );
    assert!(settings.settings.warnings[0].contains("DEFAULT_HISTOGRAM_AGGREGATION"));
}

#[test]
fn with_a_file_only_variables_outside_of_the_specification_count() {
    let vars = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:1"),
        ("OTEL_BSP_SCHEDULE_DELAY", "7"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "many"),
        ("OTEL_SERVICE_NAME", "env"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=env"),
        ("OTEL_SDK_DISABLED", "true"),
        ("OTEL_LOG_LEVEL", " "),
        ("RUST_LOG", "shop=debug"),
        ("TELEMETRY_LOG_FORMAT", "gcp"),
        ("GOOGLE_CLOUD_PROJECT", "shop-1"),
    ];
    let mut settings = resolved(EVERYTHING, &vars);
    assert!(!settings.disabled);
    assert_eq!(settings.traces.batching.delay.as_millis(), 30);
    assert_eq!(settings.traces.batching.queue, 33);
    let url = settings.traces.export.as_ref().unwrap().url.to_string();
    assert_eq!(url, "http://collector:1/");
    assert_eq!(attribute_text(&settings.resource, "team"), "café");
    assert_eq!(settings.logs.filter, "shop=debug");
    assert_eq!(settings.logs.format, crate::LogFormat::Gcp);
    assert_eq!(settings.logs.google_project, "shop-1");
    let report = settings.settings.report().0;
    let name = report.get("OTEL_SERVICE_NAME").unwrap();
    assert_eq!(
        (&*name.value, &*name.source.to_string()),
        ("named", "file resource.attributes[0]")
    );
    let warnings = &settings.settings.warnings;
    let ignored: Vec<_> = warnings
        .iter()
        .filter(|warning| warning.starts_with("OTEL_CONFIG_FILE="))
        .collect();
    assert_eq!(ignored.len(), 1, "{warnings:?}");
    for (name, _) in &vars {
        let counts = !name.starts_with("OTEL_") || *name == "OTEL_LOG_LEVEL";
        assert_eq!(ignored[0].contains(name), !counts, "{name}: {warnings:?}");
    }
    assert!(
        !warnings.iter().any(|warning| warning.contains("many")),
        "{warnings:?}"
    );
}

#[test]
fn code_beats_a_file() {
    let (_file, config) = config(EVERYTHING, &[]);
    let config = config
        .with_setting("OTEL_BSP_SCHEDULE_DELAY", "8")
        .with_resource_attribute("team", "code");
    let settings = config.resolve().unwrap();
    assert_eq!(settings.traces.batching.delay.as_millis(), 8);
    assert_eq!(attribute_text(&settings.resource, "team"), "code");
}

#[test]
fn parts_that_a_file_leaves_out_do_not_exist() {
    let mut settings = resolved(EMPTY, &[("OTEL_TRACES_EXPORTER", "otlp")]);
    let (traces, metrics, logs) = (&settings.traces, &settings.metrics, &settings.logs);
    assert!(traces.export.is_none() && metrics.export.is_none() && logs.export.is_none());
    let report = settings.settings.report().0;
    let source = &report.get("OTEL_PROPAGATORS").unwrap().source;
    assert_eq!(source.to_string(), "file propagator (absent)");
}

#[test]
fn the_environment_is_substituted_and_secrets_of_it_are_not_shown() {
    let text = "file_format: '1.0'
tracer_provider:
  processors:
    - batch:
        schedule_delay: ${DELAY:-5}
        export_timeout: ${NONE}
        exporter:
          otlp_http:
            endpoint: http://user:${TOKEN}@${env:HOST}:4318/$$x
            headers: [{name: authorization, value: 'Bearer ${TOKEN}'}]
            headers_list: 'x-bad ${TOKEN}'
";
    let vars = [("TOKEN", "s3cret"), ("HOST", "collector"), ("DELAY", "")];
    let mut settings = resolved(text, &vars);
    let debug = format!("{settings:?}");
    let traces = settings.traces.export.unwrap();
    assert_eq!(traces.url, "http://user:s3cret@collector:4318/$x");
    assert_eq!(
        traces.headers.get("authorization").unwrap(),
        "Bearer s3cret"
    );
    assert_eq!(settings.traces.batching.delay.as_millis(), 5);
    for text in [
        debug,
        settings.settings.report().0.to_string(),
        settings.settings.warnings.join("\n"),
    ] {
        assert!(!text.contains("s3cret"), "{text}");
    }
    assert_eq!(settings.settings.warnings.len(), 1);
}

#[test]
fn unknown_unsupported_and_malformed_keys_are_warnings_with_line_and_path() {
    let text = r#"file_format: "1.0"
colour: red
instrumentation/development:
tracer_provider:
  sampler:
    composite/development: {}
  processors:
    - batch:
        schedule_delay: soon
        max_queue: 7
        exporter:
          otlp_http:
            max_request_size: 7
          otlp_file/development:
  limits: 7
meter_provider:
  views: [{selector: {meter_schema_url: x}, stream: {attribute_keys: {excluded: [a]}}}]
  readers:
    - periodic: {exporter: {console: }, cardinality_limits: {default: 7}}
logger_provider:
  processors:
    batch:
resource:
  schema_url: x
  attributes: [{name: a, value: x, type: int}]
"#;
    let settings = resolved(text, &[]);
    let warnings = settings.settings.warnings.join("\n");
    for expected in [
        "line 2: colour is an unknown key",
        "line 3: instrumentation/development is not supported",
        "line 6: tracer_provider.sampler.composite/development is not supported",
        ": tracer_provider.processors[0].batch.schedule_delay=\"soon\" is not valid",
        "line 10: tracer_provider.processors[0].batch.max_queue is an unknown key",
        "line 13: tracer_provider.processors[0].batch.exporter.otlp_http.max_request_size is not supported",
        "tracer_provider.processors[0].batch.exporter.otlp_file/development is not supported",
        "line 15: tracer_provider.limits must be a mapping",
        "line 17: meter_provider.views[0].selector.meter_schema_url is not supported",
        "line 17: meter_provider.views[0].stream.attribute_keys.excluded is not supported",
        "line 19: meter_provider.readers[0].periodic.cardinality_limits is not supported",
        "logger_provider.processors must be a sequence",
        "line 24: resource.schema_url is not supported",
        "line 25: resource.attributes[0] has no name or a value that is not of its type",
    ] {
        let lines = warnings.lines().filter(|line| line.contains(expected));
        assert_eq!(lines.count(), 1, "{expected} in {warnings}");
    }
    assert_eq!(warnings.lines().count(), 14, "{warnings}");
}

#[test]
fn a_broken_file_is_an_error_that_names_variable_path_and_line() {
    for (text, line) in [
        ("file_format: \"1.0\"\ntracer_provider: [", 3),
        ("file_format: \"1.0\"\ndisabled: ${1}\n", 2),
        ("disabled: true\n\nfile_format: \"0.4\"\n", 3),
        ("disabled: true\n", 1),
        ("- a\n", 1),
        ("", 1),
        ("file_format: \"1.0\"\na: 1\na: 2\n", 3),
    ] {
        let error = error(text);
        assert!(error.starts_with("OTEL_CONFIG_FILE=\"/"), "{error}");
        assert!(
            error.contains(&format!(", line {line}: ")),
            "{line}: {error}"
        );
        assert_eq!(error.lines().count(), 1);
    }
    let missing = Config::new("shop")
        .with_environment([("OTEL_CONFIG_FILE", "/nowhere/otel.yaml")])
        .build();
    let error = missing.unwrap_err().to_string();
    assert!(
        error.contains("OTEL_CONFIG_FILE=\"/nowhere/otel.yaml\": "),
        "{error}"
    );
}

#[test]
fn the_example_of_the_document_is_valid() {
    let document = include_str!("../../../../docs/configuration.md");
    let (_, example) = document.split_once("```yaml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let settings = resolved(example, &[("TOKEN", "t"), ("COLLECTOR", "http://c:1")]);
    assert_eq!(settings.settings.warnings, [""; 0]);
    let url = |endpoint: Option<crate::otlp::endpoint::Endpoint>| endpoint.unwrap().url.to_string();
    assert_eq!(url(settings.traces.export), "http://c:1/v1/traces");
    assert_eq!(url(settings.metrics.export), "http://c:1/v1/metrics");
    assert_eq!(url(settings.logs.export), "http://c:1/v1/logs");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(file_format: '1.0'\n)?[-a-z:{}\\[\\]&*#$\"'|>%@!?,~ \n\t]{0,200}") {
        let _ = interpret("x", &text, &|_| None);
    }
}
