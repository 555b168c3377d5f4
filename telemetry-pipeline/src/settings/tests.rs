mod document;
mod effects;
mod outputs;
mod precedence;
mod rows;
mod secrets;

use telemetry_api::instrument::settings::AnySetting;

use super::{Report, groups::all};
use crate::{Config, Telemetry, config::Plan};

const OFF: [(&str, &str); 3] = [
    ("OTEL_TRACES_EXPORTER", "none"),
    ("OTEL_METRICS_EXPORTER", "none"),
    ("OTEL_LOGS_EXPORTER", "none"),
];

fn config(vars: &[(&str, &str)]) -> Config {
    Config::new("shop").with_environment(vars.iter().copied())
}

fn resolved(vars: &[(&str, &str)]) -> Plan {
    config(vars).resolve().unwrap()
}

/// Without exporters, unless the variables name some.
fn quiet(vars: &[(&str, &str)]) -> Config {
    config(&[&OFF, vars].concat()).with_log_sink(|_| {})
}

fn built(config: Config) -> Telemetry {
    config.build().unwrap()
}

fn report(plan: &mut Plan) -> Report {
    plan.settings.report().0
}

/// The text that outputs show for a valid text.
fn shown(setting: &dyn AnySetting, text: &str) -> String {
    setting.parse(text).value.unwrap().1
}

/// Three values of a setting that are valid, differ, and are not its default.
fn samples(setting: &dyn AnySetting) -> [&'static str; 3] {
    match setting.name() {
        "OTEL_TRACES_SAMPLER" => ["always_on", "always_off", "traceidratio"],
        "OTEL_TRACES_SAMPLER_ARG" => ["0.25", "0.5", "0.75"],
        "OTEL_PROPAGATORS" => ["baggage", "tracecontext", "none"],
        "OTEL_LOG_LEVEL" => ["debug", "error", "trace"],
        "OTEL_METRICS_EXEMPLAR_FILTER" => ["always_on", "trace_based", "always_off"],
        "RUST_LOG" | "TELEMETRY_SPAN_FILTER" => ["debug", "error", "shop=trace"],
        "TELEMETRY_LOG_FORMAT" => ["readable", "json", "aws"],
        "TELEMETRY_PRINCIPAL_ATTRIBUTES" => ["user.id", "user.hash", "none"],
        "TELEMETRY_SENSITIVE_VALUES" => ["drop", "hash", "drop"],
        name if name.ends_with("_EXPORTER") => ["console", "otlp", "none"],
        name if name.ends_with("_ENDPOINT") => ["http://one:1", "http://two:2", "http://three:3"],
        name if name.ends_with("_PROTOCOL") => ["http/json", "grpc", "http/json"],
        name if name.ends_with("_COMPRESSION") => ["gzip", "none", "gzip"],
        name if name.ends_with("_HEADERS") => ["a=1", "b=2", "c=3"],
        name if name.ends_with("_CERTIFICATE") || name.ends_with("_CLIENT_KEY") => {
            ["/one", "/two", "/three"]
        }
        name if name.ends_with("_PREFERENCE") => ["delta", "cumulative", "lowmemory"],
        name if name.ends_with("_AGGREGATION") => [
            "base2_exponential_bucket_histogram",
            "explicit_bucket_histogram",
            "base2_exponential_bucket_histogram",
        ],
        name if name.ends_with("_ATTRIBUTES") => ["a=1", "a=2", "a=3"],
        _ if matches!(setting.default(), "true" | "false") => ["true", "false", "true"],
        name if name.ends_with("_PORT") || !setting.unit().is_empty() => ["11", "12", "13"],
        _ => ["one", "two", "three"],
    }
}

/// A value that is not valid for this setting; `None` if every text is valid.
fn malformed(setting: &dyn AnySetting) -> Option<&'static str> {
    let name = setting.name();
    let any_text = [
        "OTEL_SERVICE_NAME",
        "OTEL_CONFIG_FILE",
        "OTEL_EXPORTER_PROMETHEUS_HOST",
        "GOOGLE_CLOUD_PROJECT",
        "TELEMETRY_HASH_KEY",
    ];
    if any_text.contains(&name) || name.ends_with("_ENDPOINT") {
        None
    } else if name.ends_with("_CERTIFICATE") || name.ends_with("_CLIENT_KEY") {
        Some("-----BEGIN PRIVATE KEY-----")
    } else if matches!(name, "RUST_LOG" | "TELEMETRY_SPAN_FILTER") {
        Some("a=b=c")
    } else {
        Some("smoke signals")
    }
}
