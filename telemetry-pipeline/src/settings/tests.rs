mod document;
mod effects;
mod outputs;
mod precedence;
mod secrets;

use super::{
    kind::Kind,
    registry::{self, Setting},
};
use crate::{Config, Telemetry, config::Settings};

const OFF: [(&str, &str); 3] = [
    ("OTEL_TRACES_EXPORTER", "none"),
    ("OTEL_METRICS_EXPORTER", "none"),
    ("OTEL_LOGS_EXPORTER", "none"),
];

fn config(vars: &[(&str, &str)]) -> Config {
    Config::new("shop").with_environment(vars.iter().copied())
}

fn resolved(vars: &[(&str, &str)]) -> Settings {
    config(vars).resolve().unwrap()
}

/// Without exporters, unless the variables name some.
fn quiet(vars: &[(&str, &str)]) -> Config {
    config(&[&OFF, vars].concat()).with_log_sink(|_| {})
}

fn built(config: Config) -> Telemetry {
    config.build().unwrap()
}

/// Three values of a setting that are valid, differ, and are not its default.
fn samples(setting: &Setting) -> [&'static str; 3] {
    match (setting.name, setting.kind) {
        ("OTEL_TRACES_SAMPLER", _) => ["always_on", "always_off", "traceidratio"],
        ("OTEL_TRACES_SAMPLER_ARG", _) => ["0.25", "0.5", "0.75"],
        (_, Kind::ByConsumer) => ["a=1", "a=2", "a=3"],
        (_, Kind::Text) => ["one", "two", "three"],
        (_, Kind::Url) => ["http://one:1", "http://two:2", "http://three:3"],
        (_, Kind::Path) => ["/one", "/two", "/three"],
        (_, Kind::Flag) => ["true", "false", "true"],
        (_, Kind::Number { .. }) => ["11", "12", "13"],
        (_, Kind::One(known)) => [known[1], known[0], known[known.len() - 1]],
        (_, Kind::Compression) => ["gzip", "none", "gzip"],
        (_, Kind::List { known, .. }) => [known[1], known[0], "none"],
        (_, Kind::Headers) => ["a=1", "b=2", "c=3"],
        (_, Kind::LogLevel) => ["debug", "error", "trace"],
        (_, Kind::LogFilter) => ["debug", "error", "shop=trace"],
    }
}

/// A value that cannot be one of this setting; `None` if every text can.
fn malformed(setting: &Setting) -> Option<&'static str> {
    match setting.kind {
        Kind::Text | Kind::Url => None,
        Kind::Path => Some("-----BEGIN PRIVATE KEY-----"),
        Kind::LogFilter => Some("a=b=c"),
        Kind::Flag | Kind::Number { .. } | Kind::One(_) | Kind::Compression | Kind::List { .. } => {
            Some("smoke-signals")
        }
        Kind::Headers | Kind::LogLevel | Kind::ByConsumer => Some("smoke signals"),
    }
}

fn all() -> impl Iterator<Item = &'static Setting> {
    registry::all()
}
