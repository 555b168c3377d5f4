use super::*;
use crate::BootstrapError;
use crate::settings::redact_endpoint;

const SECRETS: [(&str, &str); 7] = [
    ("TELEMETRY_HASH_KEY", "s3cret"),
    (
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "http://user:s3cret/s3cret@collector:4318/?s3cret=s3cret",
    ),
    (
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
        "http://s3cret@127.0.0.1:1/v1/logs",
    ),
    (
        "OTEL_EXPORTER_OTLP_HEADERS",
        "authorization=Bearer%20s3cret,x-ok=s3cret",
    ),
    (
        "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
        "authorization=s3cret%0A,Bearer s3cret,=s3cret,s3cret bad=1",
    ),
    (
        "OTEL_EXPORTER_OTLP_CLIENT_KEY",
        "-----BEGIN PRIVATE KEY-----s3cret",
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
        "-----BEGIN PRIVATE KEY-----\ns3cret",
    ),
];

#[test]
fn secrets_are_in_no_report_warning_or_debug_output() {
    for exporters in [&OFF[..], &[]] {
        let mut vars = [exporters, &SECRETS].concat();
        if exporters.is_empty() {
            // The general endpoint is malformed on purpose.
            vars.push(("OTEL_TRACES_EXPORTER", "none"));
            vars.push(("OTEL_METRICS_EXPORTER", "none"));
        }
        let settings = resolved(&vars);
        let debug = format!("{settings:?}");
        let telemetry = built(config(&vars).with_log_sink(|_| {}));
        let report = telemetry.report();
        for text in [
            debug,
            format!("{telemetry:?}"),
            report.to_string(),
            format!("{report:?}"),
            telemetry.warnings().join("\n"),
            format!(
                "{:?}",
                config(&vars).with_setting("OTEL_EXPORTER_OTLP_HEADERS", "a=s3cret")
            ),
        ] {
            assert!(!text.contains("s3cret"), "{text}");
        }
        let shown = &report.get("OTEL_EXPORTER_OTLP_HEADERS").unwrap().value;
        assert_eq!(shown, "authorization=REDACTED,x-ok=REDACTED");
        assert_eq!(telemetry.warnings().len(), 3, "{:?}", telemetry.warnings());
    }
}

#[test]
fn secrets_are_in_no_error() {
    for endpoint in [
        "user:s3cret@collector:4318",
        "ftp://user:s3cret@collector",
        "http://user:s3cret/@@collector:4318",
        "http://user:s3cret@",
        "http://collector:x/?token=s3cret",
        "s3cret://x@collector",
        "http://us er:s3cret@collector",
    ] {
        let error = config(&[("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)]).build();
        if let Err(error) = error {
            let known = matches!(error, BootstrapError::Endpoint { .. });
            assert!(known, "{endpoint}: {error}");
            for text in [error.to_string(), format!("{error:?}")] {
                assert!(
                    endpoint.starts_with("s3cret") || !text.contains("s3cret"),
                    "{text}"
                );
            }
        }
    }
}

#[test]
fn an_endpoint_without_a_scheme_is_shown_without_its_credentials() {
    for (url, shown) in [
        ("://", "://"),
        ("://ada:secret@host:1", "REDACTED@host:1"),
        ("host?key=secret", "host?REDACTED"),
    ] {
        assert_eq!(redact_endpoint(url), shown);
    }
}
