//! A program that was built without a feature and is configured to need it. `.ci/run` runs this without features; with all
//! of them there is nothing to test.

#![allow(clippy::unwrap_used)]

#[cfg(any(not(feature = "grpc"), not(feature = "tls"), not(feature = "zstd")))]
use telemetry_pipeline::Config;

#[cfg(not(feature = "grpc"))]
#[test]
fn without_grpc_bootstrap_says_what_to_add_or_to_set() {
    let config =
        Config::new("shop").with_environment([("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "grpc")]);
    assert_eq!(
        config.build().unwrap_err().to_string(),
        "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL=\"grpc\" needs the feature `grpc` of telemetry-core: add it in Cargo.toml, or \
         use http/protobuf, for which collectors have another port, 4318"
    );
}

#[cfg(not(feature = "tls"))]
#[test]
fn without_tls_bootstrap_says_what_to_add_or_to_set() {
    let endpoint = "https://user:secret@collector:4318/";
    let config = Config::new("shop").with_environment([("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)]);
    assert_eq!(
        config.build().unwrap_err().to_string(),
        "OTEL_EXPORTER_OTLP_ENDPOINT=\"https://REDACTED@collector:4318/\" needs the feature `tls` of telemetry-core: \
         add it in Cargo.toml, or use an http:// endpoint"
    );
}

#[cfg(not(feature = "zstd"))]
#[test]
fn without_zstd_the_next_source_counts_and_a_warning_says_so() {
    let config = Config::new("shop").with_environment([
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "zstd"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "none"),
    ]);
    let telemetry = config.with_log_sink(|_| {}).build().unwrap();
    assert_eq!(
        telemetry.warnings(),
        [
            "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION=\"zstd\" needs the feature `zstd` of telemetry-core; using gzip"
        ]
    );
    let report = telemetry.report();
    let used = report.get("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION");
    assert_eq!(used.unwrap().value, "gzip");
}
