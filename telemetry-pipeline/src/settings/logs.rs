//! Settings of log lines.

use telemetry_api::instrument::settings::{
    AnySetting, Setting,
    parse::{self, Parsed, Wrong},
};

use crate::logs::{LogFormat, env_filter};

pub(crate) static OWN_LEVEL: Setting<Option<&'static str>> = Setting::new(
    "OTEL_LOG_LEVEL",
    "",
    own_level,
    "level of our own log lines (target `telemetry`): `none`, `error`, `warn`, `info`, `debug` or `trace`; unset, the level in `RUST_LOG`, and warnings in any case unless it decides about them",
);

pub(crate) static FILTER: Setting<String> = Setting::new(
    "RUST_LOG",
    "info",
    filter,
    "which log lines are written, in the syntax of tracing's EnvFilter; our own warnings pass unless it has a level for all or names `telemetry`",
);

pub(crate) static SPAN_FILTER: Setting<String> = Setting::new(
    "TELEMETRY_SPAN_FILTER",
    "info",
    filter,
    "which `tracing` spans are recorded, in the same syntax and independent of `RUST_LOG`; those of HTTP and TLS crates never are",
);

pub(crate) static FORMAT: Setting<Option<LogFormat>> = Setting::new(
    "TELEMETRY_LOG_FORMAT",
    "",
    |text| {
        let known = ["json", "readable", "gcp", "aws"];
        parse::one_of(text, &known.map(|name| (name, name))).map(LogFormat::from_name)
    },
    "`json`, `readable`, `gcp` (Google Cloud) or `aws` (CloudWatch); unset, `readable` on a terminal, `json` otherwise. See [logs](guides/logs.md)",
);

pub(crate) static SPAN_FIELDS: Setting<bool> = Setting::new(
    "TELEMETRY_LOG_SPAN_FIELDS",
    "false",
    parse::flag,
    "`true`: log lines have the fields of the `tracing` spans around them",
);

pub(crate) static PANICS: Setting<bool> = Setting::new(
    "TELEMETRY_LOG_PANICS",
    "true",
    parse::flag,
    "`false`: `install` sets no panic hook",
);

pub(crate) static GOOGLE_PROJECT: Setting<String> = Setting::new(
    "GOOGLE_CLOUD_PROJECT",
    "",
    parse::text,
    "where traces are stored, for lines in the format `gcp`; the resource's `cloud.account.id` beats it if its `cloud.provider` is `gcp`",
);

pub(crate) static LIST: &[&dyn AnySetting] = &[
    &FILTER,
    &SPAN_FILTER,
    &FORMAT,
    &SPAN_FIELDS,
    &PANICS,
    &GOOGLE_PROJECT,
];

/// A level of `tracing` for one of OTEL_LOG_LEVEL or of the declarative configuration, which has steps such as
/// `debug3`.
fn own_level(text: &str) -> Parsed<Option<&'static str>> {
    let lower = text.to_ascii_lowercase();
    let level = match lower.trim_end_matches(['2', '3', '4']) {
        "none" | "off" => "off",
        "fatal" | "error" => "error",
        "warn" | "warning" => "warn",
        "info" => "info",
        "debug" => "debug",
        "trace" => "trace",
        _ => {
            return Parsed::invalid(
                text,
                "is not valid: known are none, error, warn, info, debug and trace",
            );
        }
    };
    Parsed::valid(Some(level), level)
}

fn filter(text: &str) -> Parsed<String> {
    if let Err(reason) = env_filter(text) {
        return Parsed::invalid(text, format!("is not valid ({reason})"));
    }
    parse::text(text).but(looks_like_a_level(text).map(|directive| Wrong {
        shown: format!("{directive:?}"),
        reason: "lets all of that target pass, it is no level: those are off, error, warn, info, debug and trace"
            .to_owned(),
    }))
}

/// A directive that other libraries take for a level, and `tracing` for a target.
fn looks_like_a_level(filter: &str) -> Option<&str> {
    const LEVELS: [&str; 10] = [
        "all",
        "critical",
        "err",
        "fatal",
        "information",
        "none",
        "notice",
        "verbose",
        "warning",
        "warnings",
    ];
    let mut directives = filter.split(',').map(str::trim);
    directives.find(|directive| {
        LEVELS
            .iter()
            .any(|level| level.eq_ignore_ascii_case(directive))
    })
}
