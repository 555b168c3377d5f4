//! Records of the `log` crate in every format and as OTLP records.

use super::*;
use crate::testing::TestTelemetry;

/// Hands a record to the current subscriber, as the logger that `install` sets does.
fn log_record() {
    let record = log::Record::builder()
        .level(log::Level::Warn)
        .target("rustls::client")
        .module_path(Some("rustls"))
        .file(Some("client.rs"))
        .line(Some(7))
        .args(format_args!("a \"handshake\" failed"))
        .build();
    tracing_log::format_trace(&record).unwrap();
}

#[test]
fn a_line_has_the_target_level_place_and_ids_of_the_record() {
    for format in [LogFormat::Json, LogFormat::Gcp, LogFormat::Aws] {
        let logging = Logging { format, ..JSON };
        let lines = objects(logging, || {
            let _request = traced().attach();
            log_record();
        });
        let line = &lines[0];
        assert_eq!(line["target"], "rustls::client");
        assert_eq!(line["message"], "a \"handshake\" failed");
        let level = line.get("level").or(line.get("severity")).unwrap();
        assert!(level.as_str().unwrap().starts_with("WARN"), "{line}");
        assert_eq!(line["correlation_id"], "00000000000000000000000000000abc");
        let keys = line.as_object().unwrap().keys();
        assert!(!keys.clone().any(|key| key.starts_with("log.")), "{line}");
        if format == LogFormat::Gcp {
            let place = &line["logging.googleapis.com/sourceLocation"];
            assert_eq!(*place, json!({"file": "client.rs", "line": "7"}));
        }
    }
    let readable = lines(LogFormat::Readable, log_record);
    let end = "  WARN rustls::client: a \"handshake\" failed\n";
    assert!(readable[0].ends_with(&end[1..]), "{readable:?}");
}

#[test]
fn the_filter_reads_the_target_of_the_record() {
    let passed = |filter| logged(Logging { filter, ..JSON }, log_record).len();
    assert_eq!(passed("off,rustls=warn"), 1);
    assert_eq!(passed("trace,rustls=error"), 0);
    assert_eq!(passed("off,log=trace"), 0);
}

#[test]
fn an_otlp_record_has_the_same_and_no_event_name() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.set_default();
    let span = tracing::info_span!("work").entered();
    let record = log::Record::builder()
        .level(log::Level::Error)
        .target("driver")
        .args(format_args!("gone"))
        .build();
    tracing_log::format_trace(&record).unwrap();
    drop(span);
    let record = telemetry.assert_log("gone").in_span("work").one();
    assert_eq!(
        (record.level, &*record.target),
        (tracing::Level::ERROR, "driver")
    );
    assert_eq!(record.event_name, None);
    assert!(record.fields.is_empty(), "{:?}", record.fields);
}
