use std::time::Duration;

use opentelemetry_sdk::metrics::Temporality;

use super::*;
use crate::{
    Protocol,
    otlp::{compression::Compression, endpoint::Endpoint},
};
use telemetry_api::instrument::exemplar::ExemplarFilter;

const ALL: [&str; 3] = ["TRACES", "METRICS", "LOGS"];

fn endpoint(settings: &Plan, signal: &str) -> Endpoint {
    let endpoint = match signal {
        "TRACES" => &settings.traces.export,
        "METRICS" => &settings.metrics.export,
        _ => &settings.logs.export,
    };
    endpoint.clone().unwrap()
}

/// Checks what one variable does to an endpoint: the general one to all, a signal's to its own.
fn otlp(suffix: &str, value: &str, changed: impl Fn(&Endpoint) -> bool) {
    let general = format!("OTEL_EXPORTER_OTLP_{suffix}");
    let settings = resolved(&[(&general, value)]);
    for signal in ALL {
        assert!(changed(&endpoint(&settings, signal)), "{general}, {signal}");
        let own = format!("OTEL_EXPORTER_OTLP_{signal}_{suffix}");
        let settings = resolved(&[(&own, value)]);
        for other in ALL {
            assert_eq!(
                changed(&endpoint(&settings, other)),
                other == signal,
                "{own}, {other}"
            );
        }
    }
}

#[test]
fn variables_of_otlp_reach_the_endpoints() {
    otlp("ENDPOINT", "http://c:1", |e| e.origin == "http://c:1");
    otlp("PROTOCOL", "http/json", |e| {
        e.protocol == Protocol::HttpJson
    });
    otlp("PROTOCOL", "GRPC", |e| e.protocol == Protocol::Grpc);
    otlp("HEADERS", "a=b%20c", |e| {
        e.headers.get("a").is_some_and(|value| value == "b c")
    });
    otlp("TIMEOUT", "1234", |e| {
        e.timeout == Duration::from_millis(1234)
    });
    // No limit of its own leaves that of the processor.
    otlp("TIMEOUT", "0", |e| e.timeout == Duration::from_secs(30));
    otlp("COMPRESSION", "gzip", |e| {
        e.compression == Compression::Gzip
    });
    #[cfg(feature = "zstd")]
    otlp("COMPRESSION", "zstd", |e| {
        e.compression == Compression::Zstd
    });
    let is = |path: &Option<std::path::PathBuf>| path.as_deref() == Some("/x.pem".as_ref());
    otlp("CERTIFICATE", "/x.pem", |e| is(&e.tls.ca));
    otlp("CLIENT_KEY", "/x.pem", |e| is(&e.tls.client_key));
    otlp("CLIENT_CERTIFICATE", "/x.pem", |e| {
        is(&e.tls.client_certificate)
    });
}

#[test]
fn a_general_http_endpoint_is_a_base_and_a_signals_own_is_used_as_it_is() {
    let settings = resolved(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1/base/"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://d:2/as-it-is"),
    ]);
    assert_eq!(
        endpoint(&settings, "TRACES").url,
        "http://c:1/base/v1/traces"
    );
    assert_eq!(endpoint(&settings, "LOGS").url, "http://d:2/as-it-is");
    let code = config(&[("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://d:2/as-it-is")])
        .with_otlp_endpoint(Protocol::HttpProtobuf, "http://code:3");
    let settings = code.resolve().unwrap();
    assert_eq!(endpoint(&settings, "LOGS").url, "http://code:3/v1/logs");
}

#[test]
fn a_grpc_endpoint_without_a_scheme_is_secure_unless_it_is_said_to_be_insecure() {
    let vars = [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "c:1"),
        ("OTEL_EXPORTER_OTLP_LOGS_INSECURE", "TRUE"),
    ];
    let settings = resolved(&vars);
    assert_eq!(endpoint(&settings, "TRACES").origin, "https://c:1");
    assert_eq!(endpoint(&settings, "LOGS").origin, "http://c:1");
    let settings = resolved(&[vars[0], vars[1], ("OTEL_EXPORTER_OTLP_INSECURE", "true")]);
    assert_eq!(endpoint(&settings, "METRICS").origin, "http://c:1");
    let report = report(&mut resolved(&[vars[0]]));
    let shown = &report
        .get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
        .unwrap()
        .value;
    assert_eq!(shown, "http://localhost:4317");
}

#[test]
fn variables_of_batches_and_intervals_reach_their_signal() {
    let mut settings = resolved(&[
        ("OTEL_BSP_SCHEDULE_DELAY", "11"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "12"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "13"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "7"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "0"),
        ("OTEL_BLRP_EXPORT_TIMEOUT", "22"),
        ("OTEL_BLRP_MAX_QUEUE_SIZE", "23"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "31"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "32"),
    ]);
    let ms = Duration::from_millis;
    let (spans, logs) = (settings.traces.batching, settings.logs.batching);
    assert_eq!((spans.delay, spans.queue, spans.batch), (ms(11), 13, 7));
    assert_eq!((logs.delay, logs.queue, logs.batch), (ms(1), 23, 23));
    assert_eq!(settings.metrics.interval, ms(31));
    for (signal, timeout) in ALL.into_iter().zip([12, 32, 22]) {
        assert_eq!(endpoint(&settings, signal).timeout, ms(timeout), "{signal}");
    }
    assert_eq!(settings.settings.warnings, [""; 0]);
    let report = report(&mut settings);
    let batch = report.get("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE").unwrap();
    assert_eq!(batch.value, "23");
    let settings = resolved(&[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4096")]);
    assert_eq!(settings.traces.batching.batch, 2048);
    assert_eq!(
        settings.settings.warnings.len(),
        1,
        "{:?}",
        settings.settings.warnings
    );
}

#[test]
fn limits_reach_the_sdk_and_the_export_and_the_general_ones_reach_all() {
    let settings = resolved(&[
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "9"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "99"),
    ]);
    let limits = settings.traces.limits;
    let counts = [
        limits.max_attributes_per_span,
        limits.max_attributes_per_event,
        limits.max_attributes_per_link,
        limits.max_events_per_span,
        limits.max_links_per_span,
    ];
    assert_eq!(counts, [9, 9, 9, 128, 128]);
    assert_eq!(settings.traces.attributes.value_length, Some(99));
    assert_eq!(settings.logs.attributes.value_length, Some(99));
    assert_eq!(settings.logs.attributes.count, Some(9));

    let settings = resolved(&[
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "9"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1"),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "2"),
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "3"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "4"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "5"),
        ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "6"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "7"),
        ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "0"),
    ]);
    let limits = settings.traces.limits;
    let counts = [
        limits.max_attributes_per_span,
        limits.max_attributes_per_event,
        limits.max_attributes_per_link,
        limits.max_events_per_span,
        limits.max_links_per_span,
    ];
    assert_eq!(counts, [1, 2, 3, 4, 5]);
    assert_eq!(settings.logs.attributes.count, Some(6));
    assert_eq!(settings.traces.attributes.value_length, Some(7));
    assert_eq!(settings.logs.attributes.value_length, Some(0));
    assert_eq!(resolved(&[]).traces.attributes.value_length, None);
}

#[test]
fn choices_reach_what_they_choose() {
    const TEMPORALITY: &str = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    for (value, temporality) in [
        ("Delta", Temporality::Delta),
        ("lowmemory", Temporality::LowMemory),
        ("cumulative", Temporality::Cumulative),
    ] {
        assert_eq!(
            resolved(&[(TEMPORALITY, value)]).metrics.temporality,
            temporality
        );
    }
    const FILTER: &str = "OTEL_METRICS_EXEMPLAR_FILTER";
    for (value, filter) in [
        ("always_on", ExemplarFilter::AlwaysOn),
        ("always_off", ExemplarFilter::AlwaysOff),
        ("trace_based", ExemplarFilter::TraceBased),
    ] {
        assert_eq!(resolved(&[(FILTER, value)]).metrics.exemplar_filter, filter);
    }
    let disabled = resolved(&[
        ("OTEL_SDK_DISABLED", "True"),
        ("OTEL_METRICS_EXPORTER", "prometheus,console"),
    ]);
    assert!(
        disabled.disabled
            && !disabled.traces.is_exported()
            && disabled.metrics.prometheus.is_none()
    );
    assert!(!disabled.metrics.console);
    let levels = resolved(&[("OTEL_LOG_LEVEL", "WARNING"), ("RUST_LOG", "shop=debug")]);
    assert_eq!(levels.logs.own_level, Some("warn"));
    assert_eq!(levels.logs.filter, "shop=debug");
    let names = |list: &str| format!("{:?}", resolved(&[("OTEL_PROPAGATORS", list)]).propagation);
    assert!(!names("baggage").contains("tracecontext"));
    assert!(!names("none").contains("baggage"));
    let zipkin = names("b3multi,jaeger");
    assert!(
        zipkin.contains("b3multi") && zipkin.contains("jaeger"),
        "{zipkin}"
    );
    let skipped = resolved(&[
        OFF[0],
        OFF[1],
        OFF[2],
        ("OTEL_PROPAGATORS", "ottrace,baggage"),
    ]);
    assert_eq!(skipped.settings.warnings.len(), 1);
    assert!(
        skipped.settings.warnings[0].contains("\"ottrace\" is not supported yet; using baggage")
    );
}

#[test]
fn exponential_histograms_yield_to_text_that_was_asked_for() {
    const NAME: &str = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";
    let exponential = (NAME, "base2_exponential_bucket_histogram");
    for (exporters, used, warnings) in [
        ("otlp", true, 1),
        ("otlp,prometheus", false, 1),
        ("console,otlp", false, 1),
        ("prometheus", false, 0),
        ("none", false, 0),
    ] {
        let settings = resolved(&[exponential, ("OTEL_METRICS_EXPORTER", exporters)]);
        assert_eq!(settings.metrics.exponential, used, "{exporters}");
        assert_eq!(
            settings.settings.warnings.len(),
            warnings,
            "{:?}",
            settings.settings.warnings
        );
    }
}
