//! Metrics whose callbacks fail.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use telemetry_api::{instrument::scrape::ScrapeFormat, opentelemetry::InstrumentationScope};
use telemetry_pipeline::{Config, ShutdownError};

use crate::{Lines, collector::Collector};

#[test]
fn a_callback_that_panics_costs_its_own_measurement_and_one_line() {
    let collector = Collector::start();
    let lines = Lines::default();
    let telemetry = Config::new("shop")
        .with_environment([
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url().as_str()),
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
        ])
        .with_log_sink(lines.sink())
        .build()
        .unwrap();
    let meter = telemetry
        .providers()
        .meter(InstrumentationScope::builder("test").build());
    let calls = Arc::new(AtomicU64::new(0));
    let count = calls.clone();
    let _broken = meter
        .u64_observable_gauge("broken")
        .with_callback(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            panic!("in a callback");
        })
        .build();
    let _sound = meter
        .u64_observable_gauge("sound")
        .with_callback(|one| one.observe(7, &[]))
        .build();
    meter.u64_counter("hits").build().add(1, &[]);

    assert_eq!(telemetry.force_flush(), Ok(()));
    let scrape = telemetry
        .providers()
        .scrape(ScrapeFormat::Prometheus)
        .unwrap();
    assert!(
        scrape.contains("sound 7") || scrape.contains("sound{"),
        "{scrape}"
    );
    assert_eq!(telemetry.shutdown(), Ok(()));
    assert_eq!(
        calls.load(Ordering::Relaxed),
        3,
        "and it is called again the next time"
    );
    for request in collector.received() {
        let text = format!("{:?}", request.metrics());
        assert!(
            text.contains("\"sound\"") && text.contains("\"hits\""),
            "{text}"
        );
    }
    assert_eq!(collector.received().len(), 2);
    assert_eq!(
        lines
            .containing("callback of an observable metric panicked")
            .len(),
        1
    );
}

#[test]
fn a_callback_that_hangs_holds_up_no_other_signal() {
    let collector = Collector::start();
    let telemetry = Config::new("shop")
        .with_environment([
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url().as_str()),
            ("OTEL_LOGS_EXPORTER", "none"),
        ])
        .with_log_sink(|_| {})
        .with_shutdown_timeout(std::time::Duration::from_secs(2))
        .build()
        .unwrap();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let meter = telemetry
        .providers()
        .meter(InstrumentationScope::builder("test").build());
    let _stuck = meter
        .u64_observable_gauge("stuck")
        .with_callback(move |_| {
            let _ = released.lock().unwrap().recv();
        })
        .build();
    crate::record(&crate::tracer(&telemetry), "passes");
    let error = telemetry.shutdown().unwrap_err();
    assert_eq!(collector.spans(), ["passes"]);
    assert_eq!(error.losses.len(), 1, "{error}");
    assert_eq!(error.losses[0].signal, "metric points");
    drop(release);
}

#[test]
fn a_callback_that_hangs_in_a_scrape_holds_up_no_export() {
    use std::io::Write as _;

    let collector = Collector::start();
    let telemetry = Config::new("shop")
        .with_environment([
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url().as_str()),
            ("OTEL_METRICS_EXPORTER", "prometheus"),
            ("OTEL_EXPORTER_PROMETHEUS_PORT", "0"),
            ("OTEL_LOGS_EXPORTER", "none"),
        ])
        .with_log_sink(|_| {})
        .build()
        .unwrap();
    let (entered, in_callback) = std::sync::mpsc::channel::<()>();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let meter = telemetry
        .providers()
        .meter(InstrumentationScope::builder("test").build());
    let _stuck = meter
        .u64_observable_gauge("stuck")
        .with_callback(move |_| {
            let _ = entered.send(());
            let _ = released.lock().unwrap().recv();
        })
        .build();
    let address = telemetry.prometheus_address().unwrap();
    let mut scraper = std::net::TcpStream::connect(address).unwrap();
    scraper.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
    in_callback.recv().unwrap();
    crate::record(&crate::tracer(&telemetry), "passes");
    assert_eq!(telemetry.force_flush(), Ok(()));
    assert_eq!(collector.spans(), ["passes"]);
    drop(release);
}

static ORDERS: telemetry_api::Counter = telemetry_api::counter("retail.orders").unit("{order}");

#[test]
fn a_business_counter_is_pushed_with_the_span_that_counted_last() {
    use opentelemetry_proto::tonic::metrics::v1::{exemplar::Value, metric::Data};
    use telemetry_api::opentelemetry::{
        Context,
        trace::{SpanKind, TraceContextExt as _},
    };

    let collector = Collector::start();
    let telemetry = Config::new("shop")
        .with_environment([
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url().as_str()),
            ("OTEL_LOGS_EXPORTER", "none"),
        ])
        .with_log_sink(|_| {})
        .build()
        .unwrap();
    let _providers = telemetry.providers().set_default();
    let cx =
        crate::tracer(&telemetry).start(&Context::new(), "checkout", SpanKind::Server, Vec::new);
    let span = cx.span().span_context().clone();
    let current = cx.attach();
    ORDERS.add(1, ("retail.outcome", "ok"));
    ORDERS.add(2, ("retail.outcome", "ok"));
    drop(current);
    ORDERS.add(4, ("retail.outcome", "ok"));
    assert_eq!(telemetry.force_flush(), Ok(()));

    let received = collector.received();
    let request = received.iter().find(|one| one.path == "/v1/metrics");
    let request = request.unwrap().metrics();
    let scopes = &request.resource_metrics[0].scope_metrics;
    let mut metrics = scopes.iter().flat_map(|scope| &scope.metrics);
    let orders = metrics.find(|metric| metric.name == "retail.orders");
    let Some(Data::Sum(sum)) = &orders.unwrap().data else {
        panic!("{orders:?}");
    };
    let [exemplar] = &*sum.data_points[0].exemplars else {
        panic!("{sum:?}");
    };
    assert_eq!(exemplar.value, Some(Value::AsInt(2)));
    assert_eq!(exemplar.trace_id, span.trace_id().to_bytes());
    assert_eq!(exemplar.span_id, span.span_id().to_bytes());
}

/// The first export fails, the others do not.
fn ends_after_a_failure(temporality: &str) -> Result<(), ShutdownError> {
    let collector = Collector::answering(|_, before| match before {
        0 => crate::collector::status("400 Bad Request"),
        _ => crate::collector::ok(),
    });
    let telemetry = Config::new("shop")
        .with_environment([
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url().as_str()),
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
            ("OTEL_INSTRUMENTATION_PROCESS_ENABLED", "false"),
            ("OTEL_INSTRUMENTATION_SDK_ENABLED", "false"),
            (
                "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
                temporality,
            ),
        ])
        .with_log_sink(|_| {})
        .build()
        .unwrap();
    let meter = telemetry
        .providers()
        .meter(InstrumentationScope::builder("test").build());
    let hits = meter.u64_counter("hits").build();
    hits.add(1, &[]);
    let error = telemetry.force_flush().unwrap_err();
    assert_eq!(error.losses[0].export_failed, 1, "{error}");
    hits.add(1, &[]);
    assert_eq!(telemetry.force_flush(), Ok(()));
    telemetry.shutdown()
}

#[test]
fn metrics_sent_later_make_up_for_those_that_failed() {
    assert_eq!(ends_after_a_failure("cumulative"), Ok(()));
}

#[test]
fn nothing_makes_up_for_a_change_that_was_not_sent() {
    for temporality in ["delta", "lowmemory"] {
        let error = ends_after_a_failure(temporality).unwrap_err();
        assert_eq!(error.losses[0].export_failed, 1, "{temporality}: {error}");
    }
}
