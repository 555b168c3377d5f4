//! Installed telemetry stays. The only tests that touch what is global, so one test in a process of its own.

// Clippy knows test functions, not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use telemetry_api::{
    instrument::Providers,
    opentelemetry::{InstrumentationScope, trace::TraceContextExt},
};
use telemetry_pipeline::{BootstrapError, Config};

const OFF: [(&str, &str); 3] = [
    // Without a place for spans there would be none.
    ("OTEL_TRACES_EXPORTER", "console"),
    ("OTEL_METRICS_EXPORTER", "none"),
    ("OTEL_LOGS_EXPORTER", "none"),
];

fn config(namespace: &str) -> Config {
    let service = telemetry_pipeline::Service::new("shop").namespace(namespace);
    Config::new(service).with_environment(OFF)
}

#[test]
fn a_failing_build_installs_nothing_and_a_second_install_leaves_the_first_intact() {
    let error = Config::new("shop")
        .with_environment([("OTEL_EXPORTER_OTLP_ENDPOINT", "nowhere")])
        .bootstrap()
        .unwrap_err();
    assert!(matches!(error, BootstrapError::Endpoint { .. }));
    let error = Config::new("shop")
        .with_environment([
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://localhost:1"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/missing"),
        ])
        .bootstrap()
        .unwrap_err();
    assert!(matches!(error, BootstrapError::Tls { .. }));
    assert!(!Providers::installed());
    assert!(!tracing::dispatcher::has_been_set());

    let lines = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = lines.clone();
    let first = config("first")
        .with_log_sink(move |line| sink.lock().unwrap().push(line.to_owned()))
        .bootstrap()
        .unwrap();
    let second = config("second").build().unwrap();
    let error = second.install().unwrap_err();
    assert!(
        matches!(error, BootstrapError::AlreadyInstalled(_)),
        "{error}"
    );
    assert!(error.to_string().contains("call bootstrap once"), "{error}");
    assert!(config("third").bootstrap().is_err());
    assert!(first.install().is_err(), "not even itself");
    drop(second);

    assert_eq!(Providers::current().unwrap().namespace(), "first");
    tracing::info!("still here");
    assert!(
        lines
            .lock()
            .unwrap()
            .iter()
            .any(|line| line.contains("still here"))
    );
    let scope = InstrumentationScope::builder("test").build();
    let cx = Providers::current().unwrap().tracer(scope).start(
        &Default::default(),
        "span",
        telemetry_api::opentelemetry::trace::SpanKind::Internal,
        Vec::new,
    );
    assert!(cx.span().is_recording());
    assert_eq!(first.shutdown(), Ok(()));
}
