//! Records of the `log` crate.

use telemetry_api::opentelemetry::{InstrumentationScope, trace::SpanKind};

use crate::{config, is_program, objects, program};

#[test]
fn logs_by_the_log_crate() {
    if !is_program("log_crate::logs_by_the_log_crate") {
        return;
    }
    let taken = std::env::var("TAKEN").is_ok();
    if taken {
        log::set_logger(&Silent).unwrap();
    }
    let telemetry = config(&[("RUST_LOG", "info,rustls=debug,noisy=off")])
        .bootstrap()
        .unwrap();
    let scope = InstrumentationScope::builder("test").build();
    let tracer = telemetry.providers().tracer(scope);
    let cx = tracer.start(&Default::default(), "request", SpanKind::Server, Vec::new);
    let _request = cx.attach();
    log::warn!("the {} of a certificate", "expiry");
    log::debug!(target: "rustls::client", "a \"handshake\"");
    log::debug!("too quiet");
    log::error!(target: "noisy", "muted");
    telemetry.filters().set_logs("debug").unwrap();
    log::debug!("heard now");
    tracing::info!("done");
}

struct Silent;

impl log::Log for Silent {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, _: &log::Record<'_>) {}

    fn flush(&self) {}
}

#[test]
fn a_record_of_the_log_crate_is_a_line_with_its_target_level_and_ids() {
    let output = program("log_crate::logs_by_the_log_crate")
        .output()
        .unwrap();
    assert!(output.status.success());
    let lines = objects(&output.stdout);
    let shown: Vec<_> = lines
        .iter()
        .map(|line| {
            let text = |key: &str| line[key].as_str().unwrap_or_default();
            [text("level"), text("target"), text("message")]
        })
        .filter(|[_, target, _]| *target != "telemetry")
        .collect();
    assert_eq!(
        shown,
        [
            ["WARN", "logs::log_crate", "the expiry of a certificate"],
            ["DEBUG", "rustls::client", "a \"handshake\""],
            ["DEBUG", "logs::log_crate", "heard now"],
            ["INFO", "logs::log_crate", "done"],
        ]
    );
    for line in lines.iter().filter(|line| line["target"] != "telemetry") {
        assert!(
            line["trace_id"].is_string() && line["span_id"].is_string(),
            "{line}"
        );
        assert!(
            !line
                .as_object()
                .unwrap()
                .keys()
                .any(|key| key.starts_with("log.")),
            "{line}"
        );
    }
}

#[test]
fn another_logger_of_the_log_crate_stays_and_is_no_error() {
    let output = program("log_crate::logs_by_the_log_crate")
        .env("TAKEN", "1")
        .output()
        .unwrap();
    assert!(output.status.success());
    let lines = objects(&output.stdout);
    assert!(lines.iter().any(|line| line["message"] == "done"));
    assert!(
        !lines
            .iter()
            .any(|line| line["message"] == "the expiry of a certificate")
    );
}
