//! Configuration: code beats environment beats default. The only file that reads the environment.

use std::{collections::HashMap, fmt, str::FromStr, sync::Arc, time::Duration};

use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::Resource;

use super::{
    endpoint::{self, Endpoint, Protocol, Signal},
    error::BootstrapError,
    logs::{LogFormat, LogSink},
    resource,
    sampler::SamplerConfig,
};
use crate::propagation::{Format, Propagation};

/// What the code says of the service; the environment may say otherwise.
#[derive(Clone, Debug)]
#[must_use]
pub struct Service {
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    pub(super) version: Option<String>,
}

impl Service {
    /// A service of this name. OTEL_SERVICE_NAME, if set, replaces it.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            namespace: None,
            version: None,
        }
    }

    /// `service.namespace`: the system the service belongs to, and the prefix of its business attributes.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// `service.version`, usually `env!("CARGO_PKG_VERSION")`.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }
}

impl From<&str> for Service {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// How to set up telemetry. [`build`](Self::build) has no global effect, [`bootstrap`](Self::bootstrap) installs.
#[must_use]
pub struct Config {
    service: Service,
    environment: Environment,
    attributes: Vec<KeyValue>,
    endpoint: Option<(Protocol, String)>,
    log_format: Option<LogFormat>,
    log_sink: Option<LogSink>,
    queue_bytes: Option<usize>,
    shutdown_timeout: Duration,
}

impl Config {
    /// The defaults of docs/defaults.md, refined by the environment of the process.
    pub fn new(service: impl Into<Service>) -> Self {
        Self {
            service: service.into(),
            environment: Arc::new(|name| std::env::var(name).ok()),
            attributes: Vec::new(),
            endpoint: None,
            log_format: None,
            log_sink: None,
            queue_bytes: None,
            shutdown_timeout: Duration::from_secs(5),
        }
    }

    /// Reads these variables instead of the environment of the process.
    pub fn with_environment<K: Into<String>, V: Into<String>>(
        mut self,
        vars: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let vars: HashMap<String, String> = vars
            .into_iter()
            .map(|(k, v)| (k.into(), v.into()))
            .collect();
        self.environment = Arc::new(move |name| vars.get(name).cloned());
        self
    }

    /// Adds a resource attribute, which beats the environment's.
    pub fn with_resource_attribute(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.attributes.push(KeyValue::new(key, value));
        self
    }

    /// Exports all signals to this base URL, whatever the environment says.
    pub fn with_otlp_endpoint(mut self, protocol: Protocol, url: impl Into<String>) -> Self {
        self.endpoint = Some((protocol, url.into()));
        self
    }

    /// How log lines look. Default: readable on a terminal, JSON otherwise.
    pub fn with_log_format(mut self, format: LogFormat) -> Self {
        self.log_format = Some(format);
        self
    }

    /// Where log lines go, each with its newline. Default: standard output.
    pub fn with_log_sink(mut self, sink: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.log_sink = Some(LogSink::new(sink));
        self
    }

    /// How much memory the queue of spans, and that of log records, may hold, about. What is recorded beyond it is
    /// dropped and counted. Default: 32 MiB each.
    pub fn with_queue_bytes(mut self, bytes: usize) -> Self {
        self.queue_bytes = Some(bytes);
        self
    }

    /// The bound of `shutdown` over all signals. Default: 5 seconds.
    pub fn with_shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = timeout;
        self
    }

    pub(super) fn resolve(self) -> Result<Settings, BootstrapError> {
        let mut env = Env {
            get: self.environment,
            warnings: Vec::new(),
        };
        let resource = resource::detect(&self.service, &self.attributes, &mut env);
        let disabled = env.parse("OTEL_SDK_DISABLED", false, |text| {
            match text.to_ascii_lowercase().as_str() {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            }
        });
        let mut export = |signal: Signal| -> Result<Option<Endpoint>, BootstrapError> {
            if disabled || !exports_otlp(&mut env, signal) {
                return Ok(None);
            }
            endpoint::resolve(signal, self.endpoint.as_ref(), &mut env).map(Some)
        };
        let (traces, metrics, logs) = (
            export(Signal::Traces)?,
            export(Signal::Metrics)?,
            export(Signal::Logs)?,
        );
        let batching = |prefix, delay, env: &mut Env| Batching {
            bytes: self.queue_bytes.unwrap_or(QUEUE_BYTES),
            ..Batching::resolve(prefix, delay, env)
        };
        let log_filter = env.get("RUST_LOG").unwrap_or_else(|| "info".to_owned());
        Ok(Settings {
            resource,
            disabled,
            traces,
            metrics,
            logs,
            spans_batch: batching("OTEL_BSP", Duration::from_secs(5), &mut env),
            logs_batch: batching("OTEL_BLRP", Duration::from_secs(1), &mut env),
            metric_interval: env.millis("OTEL_METRIC_EXPORT_INTERVAL", Duration::from_secs(60)),
            sampler: SamplerConfig::resolve(&mut env),
            propagation: propagation(&mut env),
            log_filter,
            log_format: self.log_format.unwrap_or_default(),
            log_sink: self.log_sink.unwrap_or_default(),
            shutdown_timeout: self.shutdown_timeout,
            warnings: env.warnings,
        })
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

/// Everything decided.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) resource: Resource,
    pub(super) disabled: bool,
    pub(super) traces: Option<Endpoint>,
    pub(super) metrics: Option<Endpoint>,
    pub(super) logs: Option<Endpoint>,
    pub(super) spans_batch: Batching,
    pub(super) logs_batch: Batching,
    pub(super) metric_interval: Duration,
    pub(super) sampler: SamplerConfig,
    pub(super) propagation: Propagation,
    pub(super) log_filter: String,
    pub(super) log_format: LogFormat,
    pub(super) log_sink: LogSink,
    pub(super) shutdown_timeout: Duration,
    pub(super) warnings: Vec<String>,
}

/// 16 KiB for each of the default 2048 items: never reached by ordinary ones, and a bound for those that carry payloads.
const QUEUE_BYTES: usize = 32 * 1024 * 1024;

/// How items are gathered before they are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Batching {
    pub(super) queue: usize,
    pub(super) batch: usize,
    pub(super) delay: Duration,
    /// The most memory that queued items may hold, about.
    pub(super) bytes: usize,
}

impl Batching {
    fn resolve(prefix: &str, delay: Duration, env: &mut Env) -> Self {
        let queue = env.positive(&format!("{prefix}_MAX_QUEUE_SIZE"), 2048);
        let batch = env.positive(&format!("{prefix}_MAX_EXPORT_BATCH_SIZE"), 512);
        Self {
            queue,
            batch: batch.min(queue),
            bytes: QUEUE_BYTES,
            delay: env.millis(&format!("{prefix}_SCHEDULE_DELAY"), delay),
        }
    }
}

/// The environment, and what was wrong with it.
pub(super) struct Env {
    get: Environment,
    pub(super) warnings: Vec<String>,
}

impl Env {
    /// A variable's value. Empty means unset, as the specification says.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        (self.get)(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    pub(super) fn warn(&mut self, name: &str, value: &str, used: impl fmt::Display) {
        self.warnings
            .push(format!("{name}={value:?} is not valid; using {used}"));
    }

    pub(super) fn parse<T: fmt::Debug>(
        &mut self,
        name: &str,
        default: T,
        parse: impl Fn(&str) -> Option<T>,
    ) -> T {
        let Some(text) = self.get(name) else {
            return default;
        };
        parse(&text).unwrap_or_else(|| {
            self.warn(name, &text, format_args!("{default:?}"));
            default
        })
    }

    pub(super) fn millis(&mut self, name: &str, default: Duration) -> Duration {
        self.parse(name, default, |text| {
            text.parse().ok().map(Duration::from_millis)
        })
    }

    fn positive(&mut self, name: &str, default: usize) -> usize {
        self.parse(name, default, |text| {
            usize::from_str(text).ok().filter(|n| *n > 0)
        })
    }
}

fn exports_otlp(env: &mut Env, signal: Signal) -> bool {
    let name = signal.exporter_variable();
    let Some(list) = env.get(name) else {
        return true;
    };
    let mut otlp = false;
    for exporter in list
        .split(',')
        .map(str::trim)
        .filter(|exporter| !exporter.is_empty())
    {
        match exporter {
            "otlp" => otlp = true,
            "none" => {}
            // What /metrics answers needs no exporter.
            "prometheus" if signal == Signal::Metrics => {}
            other => env.warn(
                name,
                other,
                "the others of the list; known are otlp, none and, for metrics, prometheus",
            ),
        }
    }
    otlp
}

fn propagation(env: &mut Env) -> Propagation {
    const NAME: &str = "OTEL_PROPAGATORS";
    let Some(list) = env.get(NAME) else {
        return Propagation::default();
    };
    let mut formats = Vec::new();
    for name in list
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
    {
        match name {
            "tracecontext" => formats.push(Format::TraceContext),
            "baggage" => formats.push(Format::Baggage),
            "none" => {}
            other => env.warn(
                NAME,
                other,
                "the others of the list; known are tracecontext, baggage and none",
            ),
        }
    }
    Propagation::new(formats)
}
