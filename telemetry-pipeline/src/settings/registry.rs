//! Every setting there is: the one table behind the resolver, the report and docs/configuration.md.

use super::kind::Kind;

/// A supported variable.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    /// What it is when nothing says otherwise, in the syntax of the variable; empty if it then has no value.
    pub(crate) default: &'static str,
    /// The general setting that is asked when this one is unset.
    pub(crate) general: Option<&'static str>,
    pub(crate) kind: Kind,
    /// Of the number: `ms`, `characters` and so on.
    pub(crate) unit: &'static str,
    /// Whether its value must not be shown.
    pub(crate) secret: bool,
    pub(crate) about: &'static str,
}

/// The settings by the headings of docs/configuration.md.
pub(crate) const GROUPS: [(&str, &[Setting]); 11] = [
    ("Service and process", GENERAL),
    ("Exporters", EXPORTERS),
    ("Propagation and sampling", TRACES),
    ("Logs", LOGS),
    ("OTLP", OTLP),
    ("OTLP metrics", OTLP_METRICS),
    ("Batches of spans", BSP),
    ("Batches of log records", BLRP),
    ("Metrics", METRICS),
    ("Limits", LIMITS),
    ("Identity", IDENTITY),
];

pub(crate) fn all() -> impl Iterator<Item = &'static Setting> {
    GROUPS.iter().flat_map(|(_, settings)| settings.iter())
}

pub(crate) fn find(name: &str) -> Option<&'static Setting> {
    all().find(|setting| setting.name == name)
}

const fn setting(
    name: &'static str,
    default: &'static str,
    kind: Kind,
    unit: &'static str,
    about: &'static str,
) -> Setting {
    Setting {
        name,
        default,
        general: None,
        kind,
        unit,
        secret: false,
        about,
    }
}

const fn under(general: &'static str, setting: Setting) -> Setting {
    Setting {
        general: Some(general),
        ..setting
    }
}

const MILLIS: Kind = Kind::Number {
    min: 0,
    max: u32::MAX as u64,
};

/// Queues are allocated at once, so their size has a bound.
const QUEUE: Kind = Kind::Number {
    min: 1,
    max: 1_000_000,
};

const LIMIT: Kind = Kind::Number {
    min: 0,
    max: u32::MAX as u64,
};

const GENERAL: &[Setting] = &[
    setting(
        "OTEL_SERVICE_NAME",
        "",
        Kind::Text,
        "",
        "`service.name`; unset, the name given to `bootstrap`",
    ),
    setting(
        "OTEL_RESOURCE_ATTRIBUTES",
        "",
        Kind::ByConsumer,
        "",
        "resource attributes, `key=value,key=value`, percent-encoded",
    ),
    setting(
        "OTEL_SDK_DISABLED",
        "false",
        Kind::Flag,
        "",
        "`true`: no traces, metrics or OTLP logs; log lines and correlation ids stay",
    ),
    setting(
        "OTEL_CONFIG_FILE",
        "",
        Kind::Text,
        "",
        "a declarative configuration file, see below",
    ),
    setting(
        "OTEL_LOG_LEVEL",
        "",
        Kind::LogLevel,
        "",
        "level of our own log lines (target `telemetry`): `none`, `error`, `warn`, `info`, `debug` or `trace`; unset, as `RUST_LOG` says, warnings in any case unless it decides about them",
    ),
];

const LOGS: &[Setting] = &[
    setting(
        "RUST_LOG",
        "info",
        Kind::LogFilter,
        "",
        "which log lines are written, in the syntax of tracing's EnvFilter; our own warnings pass unless it has a level for all or names `telemetry`",
    ),
    setting(
        "TELEMETRY_SPAN_FILTER",
        "info",
        Kind::LogFilter,
        "",
        "which `tracing` spans are recorded, in the same syntax and whatever `RUST_LOG` says; those of HTTP and TLS crates never are",
    ),
    setting(
        "TELEMETRY_LOG_FORMAT",
        "",
        Kind::One(&["json", "readable", "gcp", "aws"]),
        "",
        "`json`, `readable`, `gcp` (Google Cloud) or `aws` (CloudWatch); unset, `readable` on a terminal, `json` otherwise. See [logs](guides/logs.md)",
    ),
    setting(
        "TELEMETRY_LOG_SPAN_FIELDS",
        "false",
        Kind::Flag,
        "",
        "`true`: log lines have the fields of the `tracing` spans around them",
    ),
    setting(
        "TELEMETRY_LOG_PANICS",
        "true",
        Kind::Flag,
        "",
        "`false`: `install` sets no panic hook",
    ),
    setting(
        "GOOGLE_CLOUD_PROJECT",
        "",
        Kind::Text,
        "",
        "where traces are stored, for lines in the format `gcp`; the resource's `cloud.account.id` beats it if its `cloud.provider` is `gcp`",
    ),
];

const SPAN_AND_LOG_EXPORTERS: Kind = Kind::List {
    known: &["otlp", "console", "none"],
    planned: &[],
};

const EXPORTERS: &[Setting] = &[
    setting(
        "OTEL_TRACES_EXPORTER",
        "otlp",
        SPAN_AND_LOG_EXPORTERS,
        "",
        "any of `otlp`, `console`, or `none`; `console` writes a line of JSON a span where log lines go",
    ),
    setting(
        "OTEL_METRICS_EXPORTER",
        "otlp",
        Kind::List {
            known: &["otlp", "console", "prometheus", "none"],
            planned: &[],
        },
        "",
        "any of `otlp`, `console`, `prometheus`, or `none`; the route `/metrics` answers whatever it says",
    ),
    setting(
        "OTEL_LOGS_EXPORTER",
        "otlp",
        SPAN_AND_LOG_EXPORTERS,
        "",
        "any of `otlp`, `console`, or `none`; log lines are written whatever it says, and are what `console` asks for",
    ),
    setting(
        "OTEL_EXPORTER_PROMETHEUS_HOST",
        "localhost",
        Kind::Text,
        "",
        "where `/metrics` is served besides, if `OTEL_METRICS_EXPORTER` lists `prometheus`",
    ),
    setting(
        "OTEL_EXPORTER_PROMETHEUS_PORT",
        "9464",
        Kind::Number { min: 0, max: 65535 },
        "",
        "its port; `0` is any free one",
    ),
];

const TRACES: &[Setting] = &[
    setting(
        "OTEL_PROPAGATORS",
        "tracecontext,baggage",
        Kind::List {
            known: &[
                "tracecontext",
                "baggage",
                "b3",
                "b3multi",
                "jaeger",
                "xray",
                "none",
            ],
            planned: &["ottrace"],
        },
        "",
        "any of `tracecontext`, `baggage`, `b3`, `b3multi`, `jaeger`, `xray`, or `none`; of several that are read the last counts",
    ),
    setting(
        "OTEL_TRACES_SAMPLER",
        "parentbased_always_on",
        Kind::ByConsumer,
        "",
        "`always_on`, `always_off`, `traceidratio`, which ignore what a caller has decided, and the same with `parentbased_`, which heed it; see [sampling](guides/sampling.md) for more in code",
    ),
    setting(
        "OTEL_TRACES_SAMPLER_ARG",
        "",
        Kind::ByConsumer,
        "",
        "the ratio, 0 to 1; unset, 1",
    ),
];

/// A setting of OTLP export: the general one, then the one of each signal.
macro_rules! otlp {
    ($($suffix:literal, $default:literal, $kind:expr, $unit:literal, $secret:literal, $about:literal;)*) => {
        &[$(
            Setting {
                secret: $secret,
                ..setting(concat!("OTEL_EXPORTER_OTLP_", $suffix), $default, $kind, $unit, $about)
            },
            otlp!("TRACES_", "traces", $suffix, $default, $kind, $unit, $secret),
            otlp!("METRICS_", "metrics", $suffix, $default, $kind, $unit, $secret),
            otlp!("LOGS_", "logs", $suffix, $default, $kind, $unit, $secret),
        )*]
    };
    ($infix:literal, $signal:literal, $suffix:literal, $default:literal, $kind:expr, $unit:literal, $secret:literal) => {
        Setting {
            general: Some(concat!("OTEL_EXPORTER_OTLP_", $suffix)),
            secret: $secret,
            ..setting(
                concat!("OTEL_EXPORTER_OTLP_", $infix, $suffix),
                $default,
                $kind,
                $unit,
                concat!("the same for ", $signal),
            )
        }
    };
}

const OTLP: &[Setting] = otlp! {
    "ENDPOINT", "http://localhost:4318", Kind::Url, "", false,
        "the collector, for `https` with the feature `tls`; for gRPC the default port is 4317. For HTTP the general one is a base to which `/v1/traces` and so on are added, the one of a signal is used as it is";
    "PROTOCOL", "http/protobuf", Kind::One(&["grpc", "http/protobuf", "http/json"]), "", false,
        "`grpc` (feature `grpc`), `http/protobuf` or `http/json`";
    "INSECURE", "false", Kind::Flag, "", false,
        "`true`: a gRPC endpoint without a scheme is reached without TLS";
    "CERTIFICATE", "", Kind::Path, "", false,
        "PEM file of the authorities that the collector's certificate is checked with; unset, those of this machine";
    "CLIENT_KEY", "", Kind::Path, "", false,
        "PEM file of the private key that this client shows (mTLS)";
    "CLIENT_CERTIFICATE", "", Kind::Path, "", false,
        "PEM file of the certificate chain that this client shows (mTLS)";
    "HEADERS", "", Kind::Headers, "", true,
        "request headers, `key=value,key=value`, percent-encoded; their values are never shown";
    "COMPRESSION", "none", Kind::Compression, "", false,
        "`none`, `gzip` or `zstd` (feature `zstd`, off by default)";
    "TIMEOUT", "10000", MILLIS, "ms", false,
        "one export, retries included; `0` is no limit";
};

const OTLP_METRICS: &[Setting] = &[
    setting(
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        "cumulative",
        Kind::One(&["cumulative", "delta", "lowmemory"]),
        "",
        "`cumulative`, `delta` or `lowmemory`; `/metrics` is cumulative whatever it says",
    ),
    setting(
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        "explicit_bucket_histogram",
        Kind::One(&[
            "explicit_bucket_histogram",
            "base2_exponential_bucket_histogram",
        ]),
        "",
        "`explicit_bucket_histogram` or `base2_exponential_bucket_histogram`; the latter takes histograms from `/metrics`, so it is not used while `OTEL_METRICS_EXPORTER` lists `prometheus` or `console`",
    ),
];

const BSP: &[Setting] = &[
    setting(
        "OTEL_BSP_SCHEDULE_DELAY",
        "5000",
        MILLIS,
        "ms",
        "how long spans wait for company",
    ),
    setting(
        "OTEL_BSP_EXPORT_TIMEOUT",
        "30000",
        MILLIS,
        "ms",
        "one export; the shorter of it and `OTEL_EXPORTER_OTLP_TIMEOUT` holds; `0` is no limit",
    ),
    setting(
        "OTEL_BSP_MAX_QUEUE_SIZE",
        "2048",
        QUEUE,
        "spans",
        "what ends beyond it is dropped and counted",
    ),
    setting(
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        "512",
        QUEUE,
        "spans",
        "the most in one request, at most the queue's size",
    ),
];

const BLRP: &[Setting] = &[
    setting(
        "OTEL_BLRP_SCHEDULE_DELAY",
        "1000",
        MILLIS,
        "ms",
        "how long log records wait for company",
    ),
    setting(
        "OTEL_BLRP_EXPORT_TIMEOUT",
        "30000",
        MILLIS,
        "ms",
        "one export; the shorter of it and `OTEL_EXPORTER_OTLP_TIMEOUT` holds; `0` is no limit",
    ),
    setting(
        "OTEL_BLRP_MAX_QUEUE_SIZE",
        "2048",
        QUEUE,
        "records",
        "what is logged beyond it is not exported and counted",
    ),
    setting(
        "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
        "512",
        QUEUE,
        "records",
        "the most in one request, at most the queue's size",
    ),
];

const METRICS: &[Setting] = &[
    setting(
        "OTEL_METRIC_EXPORT_INTERVAL",
        "60000",
        Kind::Number {
            min: 10,
            max: u32::MAX as u64,
        },
        "ms",
        "between exports of metrics",
    ),
    setting(
        "OTEL_METRIC_EXPORT_TIMEOUT",
        "30000",
        MILLIS,
        "ms",
        "one export; the shorter of it and `OTEL_EXPORTER_OTLP_TIMEOUT` holds; `0` is no limit",
    ),
    setting(
        "OTEL_METRICS_EXEMPLAR_FILTER",
        "trace_based",
        Kind::One(&["trace_based", "always_on", "always_off"]),
        "",
        "which measurements may become exemplars: `trace_based` (those in a sampled span), `always_on` or `always_off`",
    ),
    setting(
        "OTEL_INSTRUMENTATION_PROCESS_ENABLED",
        "true",
        Kind::Flag,
        "",
        "metrics of the process (`process.*`), read when metrics are; see [metrics](guides/metrics.md)",
    ),
    setting(
        "OTEL_INSTRUMENTATION_TOKIO_ENABLED",
        "true",
        Kind::Flag,
        "",
        "metrics of the tokio runtimes (`tokio.runtime.*`)",
    ),
    setting(
        "OTEL_INSTRUMENTATION_SDK_ENABLED",
        "true",
        Kind::Flag,
        "",
        "metrics of the telemetry itself (`otel.sdk.*`)",
    ),
];

const IDENTITY: &[Setting] = &[
    setting(
        "TELEMETRY_PRINCIPAL_ATTRIBUTES",
        "user.hash,user.roles",
        Kind::List {
            known: &["user.hash", "user.id", "user.roles", "none"],
            planned: &[],
        },
        "",
        "what of a `Principal` is on spans and log lines and in baggage: any of `user.hash`, `user.id`, `user.roles`, or `none`",
    ),
    Setting {
        secret: true,
        ..setting(
            "TELEMETRY_HASH_KEY",
            "",
            Kind::Text,
            "",
            "the key of hashes such as `user.hash`, the same for all services of a system; unset, a random one for each start of a process",
        )
    },
    setting(
        "TELEMETRY_SENSITIVE_VALUES",
        "hash",
        Kind::One(&["hash", "drop"]),
        "",
        "what becomes of attributes that code marks as sensitive: `hash` shows the hash of the value, `drop` leaves the attribute out",
    ),
];

const LIMITS: &[Setting] = &[
    setting(
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        "128",
        LIMIT,
        "attributes",
        "of a span, event, link or log record whose own limit is unset; what is added later is dropped and counted",
    ),
    setting(
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "",
        LIMIT,
        "characters",
        "of a string attribute of a span or log record whose own limit is unset; the rest is cut off. Unset: no limit",
    ),
    under(
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        setting(
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
            "128",
            LIMIT,
            "attributes",
            "of a span",
        ),
    ),
    under(
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        setting(
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            "",
            LIMIT,
            "characters",
            "of a string attribute of a span, its events and links",
        ),
    ),
    setting(
        "OTEL_SPAN_EVENT_COUNT_LIMIT",
        "128",
        LIMIT,
        "events",
        "of a span",
    ),
    setting(
        "OTEL_SPAN_LINK_COUNT_LIMIT",
        "128",
        LIMIT,
        "links",
        "of a span",
    ),
    under(
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        setting(
            "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
            "128",
            LIMIT,
            "attributes",
            "of a span's event",
        ),
    ),
    under(
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        setting(
            "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
            "128",
            LIMIT,
            "attributes",
            "of a span's link",
        ),
    ),
    under(
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        setting(
            "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
            "128",
            LIMIT,
            "attributes",
            "of an exported log record",
        ),
    ),
    under(
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        setting(
            "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            "",
            LIMIT,
            "characters",
            "of a string attribute of an exported log record",
        ),
    ),
];
