use telemetry_api::instrument::{propagation::Format, redaction::Redaction};

use super::*;

fn built(vars: &[(&str, &str)]) -> Result<Telemetry, BootstrapError> {
    Config::new(Service::new("shop").namespace("retail"))
        .with_environment(vars.iter().copied())
        .with_file_system("/nowhere")
        .build()
}

const OFF: [(&str, &str); 3] = [
    ("OTEL_TRACES_EXPORTER", "none"),
    ("OTEL_METRICS_EXPORTER", "none"),
    ("OTEL_LOGS_EXPORTER", "none"),
];

#[test]
fn a_malformed_endpoint_names_the_variable_and_hides_credentials() {
    let error = built(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "user:secret@collector:4318")])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("OTEL_EXPORTER_OTLP_ENDPOINT=") && error.contains("http://localhost:4318"),
        "{error}"
    );
    assert!(!error.contains("secret"), "{error}");
    assert_eq!(error.lines().count(), 1);
}

#[test]
fn a_wrong_value_is_a_warning_and_the_default_is_used() {
    let telemetry = built(&[
        OFF[0],
        OFF[1],
        OFF[2],
        ("OTEL_BSP_MAX_QUEUE_SIZE", "many"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_PROPAGATORS", "tracecontext,smoke-signals"),
        ("RUST_LOG", "a=b=c"),
    ])
    .unwrap();
    let warnings = telemetry.warnings().join("\n");
    for (name, value) in [
        ("OTEL_BSP_MAX_QUEUE_SIZE", "its default"),
        ("OTEL_TRACES_SAMPLER", "parentbased_always_on"),
        ("OTEL_PROPAGATORS", "smoke-signals"),
        ("RUST_LOG", "info"),
    ] {
        assert!(
            warnings
                .lines()
                .any(|line| line.contains(name) && line.contains(value)),
            "{name}: {warnings}"
        );
    }
    assert_eq!(telemetry.warnings().len(), 4, "{warnings}");
}

#[test]
fn the_environment_refines_the_resource_and_code_beats_it() {
    let telemetry = Config::new(Service::new("shop").namespace("retail").version("1.2.3"))
        .with_environment([
            OFF[0],
            OFF[1],
            OFF[2],
            ("OTEL_SERVICE_NAME", "shop-blue"),
            (
                "OTEL_RESOURCE_ATTRIBUTES",
                "deployment.environment.name=staging,team=caf%C3%A9,host.name=env",
            ),
        ])
        .with_file_system("/nowhere")
        .with_resource_attribute("host.name", "code")
        .build()
        .unwrap();
    let text = telemetry
        .providers()
        .scrape(telemetry_api::instrument::scrape::ScrapeFormat::Prometheus)
        .unwrap();
    for label in [
        "service_name=\"shop-blue\"",
        "service_namespace=\"retail\"",
        "service_version=\"1.2.3\"",
        "deployment_environment_name=\"staging\"",
        "team=\"café\"",
        "host_name=\"code\"",
        "telemetry_sdk_language=\"rust\"",
        "service_instance_id=\"",
    ] {
        assert!(text.contains(label), "{label} in {text}");
    }
}

#[test]
fn a_shutdown_may_be_given_all_the_time_there_is() {
    let telemetry = Config::new("shop")
        .with_environment(OFF)
        .with_file_system("/nowhere")
        .with_shutdown_timeout(std::time::Duration::MAX)
        .with_log_sink(|_| {})
        .build()
        .unwrap();
    assert_eq!(telemetry.force_flush(), Ok(()));
    assert_eq!(telemetry.shutdown(), Ok(()));
}

#[test]
fn a_collector_that_is_not_there_bounds_shutdown_and_is_reported_with_counts() {
    // A port that was free a moment ago and that nobody listens on.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let telemetry = Config::new("shop")
        .with_environment([("OTEL_EXPORTER_OTLP_TIMEOUT", "200")])
        .with_file_system("/nowhere")
        .with_otlp_endpoint(Protocol::HttpProtobuf, format!("http://127.0.0.1:{port}"))
        .with_log_sink(|_| {})
        .build()
        .unwrap();
    let scope = opentelemetry::InstrumentationScope::builder("test").build();
    let tracer = telemetry.providers().tracer(scope);
    for _ in 0..3 {
        let cx = tracer.start(
            &Default::default(),
            "lost",
            opentelemetry::trace::SpanKind::Internal,
            Vec::new,
        );
        opentelemetry::trace::TraceContextExt::span(&cx).end();
    }
    let started = std::time::Instant::now();
    let error = telemetry.shutdown().unwrap_err();
    assert!(started.elapsed() < std::time::Duration::from_secs(5));
    assert!(
        error.to_string().contains("3 spans not accepted"),
        "{error}"
    );
    assert_eq!(telemetry.shutdown(), Ok(()));
}

#[test]
fn traces_that_are_not_exported_are_no_exemplars() {
    let telemetry = built(&OFF).unwrap();
    let _default = telemetry.providers().set_default();
    let step = telemetry_api::step("Quiet").run(async { Ok::<_, std::fmt::Error>(()) });
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(std::pin::pin!(step).poll(&mut cx).is_ready());
    let scraped = telemetry
        .providers()
        .scrape(telemetry_api::instrument::scrape::ScrapeFormat::OpenMetrics);
    let scraped = scraped.unwrap();
    assert!(
        scraped.contains("retail_step_duration_seconds_bucket"),
        "{scraped}"
    );
    assert!(!scraped.contains("trace_id"), "{scraped}");
}

#[test]
fn switched_off_nothing_is_built_for_spans() {
    use opentelemetry::{
        Context, InstrumentationScope,
        trace::{
            SpanContext, SpanId, SpanKind, TraceContextExt as _, TraceFlags, TraceId, TraceState,
        },
    };

    let telemetry = built(&[("OTEL_SDK_DISABLED", "true")]).unwrap();
    let scope = InstrumentationScope::builder("t").build();
    let tracer = telemetry.providers().tracer(scope);
    let caller = SpanContext::new(
        TraceId::from(1),
        SpanId::from(2),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    for parent in [
        Context::new(),
        Context::new().with_remote_span_context(caller),
    ] {
        let cx = tracer.start(&parent, "GET /", SpanKind::Server, || {
            unreachable!("for nobody")
        });
        assert_eq!(cx.span().span_context(), parent.span().span_context());
        assert!(!telemetry_api::instrument::tracer::is_recorded(&cx.span()));
        let below = tracer.start(&cx, "GET", SpanKind::Client, || unreachable!("for nobody"));
        assert_eq!(below.span().span_context(), parent.span().span_context());
    }
    assert_eq!(
        telemetry
            .providers()
            .scrape(telemetry_api::instrument::scrape::ScrapeFormat::Prometheus),
        None
    );
}

#[test]
fn without_exporters_no_span_is_recorded_lines_have_ids_and_the_route_metrics_answers() {
    use opentelemetry::{
        Context, InstrumentationScope,
        trace::{SpanKind, TraceContextExt as _},
    };
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;

    let telemetry = built(&OFF).unwrap();
    let scope = InstrumentationScope::builder("t").build();
    let tracer = telemetry.providers().tracer(scope.clone());
    let cx = tracer.start(&Context::new(), "GET /", SpanKind::Server, || {
        unreachable!("for nobody")
    });
    let below = tracer.start(&cx, "GET", SpanKind::Client, || unreachable!("for nobody"));
    let (span, child) = (cx.span(), below.span());
    let (span, child) = (span.span_context(), child.span_context());
    assert!(span.is_valid() && span.is_sampled() && child.is_sampled());
    assert_eq!(span.trace_id(), child.trace_id());
    assert_ne!(span.span_id(), child.span_id());
    for cx in [&cx, &below] {
        assert!(!cx.span().is_recording());
        // Adapters build no attributes for its end.
        assert!(!telemetry_api::instrument::tracer::is_recorded(&cx.span()));
    }

    let meter = telemetry.providers().meter(scope);
    meter.u64_counter("orders").build().add(2, &[]);
    let text = telemetry
        .providers()
        .scrape(telemetry_api::instrument::scrape::ScrapeFormat::Prometheus)
        .unwrap();
    assert!(text.contains("orders_total"), "{text}");
    tracing::dispatcher::with_default(telemetry.dispatch(), || {
        let own = tracing::info_span!("of_the_application").context();
        assert!(!own.span().span_context().is_valid());
    });
}

#[test]
fn settings_choose_the_redaction_of_urls_and_error_texts() {
    let text = "GET https://api.example/?token=t0p&shop_key=s3cret failed";
    let shown = |vars: &[(&str, &str)]| {
        let telemetry = built(&[&OFF, vars].concat()).unwrap();
        Redaction::of(telemetry.providers())
            .error(text)
            .into_owned()
    };
    let hidden = "GET https://api.example/?token=REDACTED&shop_key=s3cret failed";
    assert_eq!(shown(&[]), hidden);
    assert_eq!(shown(&[("TELEMETRY_ERROR_TEXTS", "whole")]), text);
    assert_eq!(
        shown(&[("TELEMETRY_CREDENTIAL_NAMES", "shop_key,-token")]),
        "GET https://api.example/?token=t0p&shop_key=REDACTED failed"
    );
}

#[test]
fn every_format_of_the_table_is_a_propagator_of_the_setting() {
    for name in Format::NAMES {
        let vars = [&OFF[..], &[("OTEL_PROPAGATORS", name)]].concat();
        let telemetry = built(&vars).unwrap();
        assert_eq!(telemetry.warnings(), <[String; 0]>::default(), "{name}");
    }
}
