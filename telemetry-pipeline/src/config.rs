//! Configuration in code, and everything decided. Where values come from is the business of `settings`.

use std::{collections::HashMap, fmt, path::PathBuf, sync::Arc, time::Duration};

use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::{Resource, metrics::Temporality, trace::SpanLimits};
use tokio::runtime::Handle;

pub(crate) use super::settings::Env;
use crate::{
    error::BootstrapError,
    logs::{LogFormat, LogSink},
    metrics::views::View,
    otlp::{
        AttributeLimits, Batching, Signal, endpoint::Endpoint, endpoint_settings,
        protocol::Protocol,
    },
    resource::{self, Detector, Machine},
    settings::{Environment, Report},
    traces::sampling::{self, SamplerPolicy},
};
use secrecy::SecretString;
use telemetry_api::{
    instrument::{
        exemplar::ExemplarFilter,
        pipeline::ShownPrincipal,
        propagation::{Format, Propagation},
    },
    sensitive::Sensitive,
};

/// What the code says of the service; the environment may say otherwise.
#[derive(Clone, Debug)]
#[must_use]
pub struct Service {
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
    pub(crate) version: Option<String>,
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

/// How to set up telemetry. [`build`](Self::build) has no global effect, [`bootstrap`](Self::bootstrap) installs.
#[must_use]
pub struct Config {
    service: Service,
    environment: Environment,
    attributes: Vec<KeyValue>,
    settings: Vec<(String, String)>,
    file_system: PathBuf,
    without_detectors: Vec<Detector>,
    sampler: Option<SamplerPolicy>,
    log_format: Option<LogFormat>,
    log_sink: Option<LogSink>,
    queue_bytes: Option<usize>,
    shutdown_timeout: Duration,
    views: Vec<View>,
    runtimes: Vec<(String, Handle)>,
}

impl Config {
    /// The defaults of docs/defaults.md, refined by the environment of the process.
    pub fn new(service: impl Into<Service>) -> Self {
        Self {
            service: service.into(),
            environment: Arc::new(|name| std::env::var(name).ok()),
            attributes: Vec::new(),
            settings: Vec::new(),
            file_system: PathBuf::from("/"),
            without_detectors: Vec::new(),
            sampler: None,
            log_format: None,
            log_sink: None,
            queue_bytes: None,
            shutdown_timeout: Duration::from_secs(5),
            views: Vec::new(),
            runtimes: Vec::new(),
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

    /// Finds nothing out about these, such as the path of the executable. Default: all detectors run.
    pub fn without_detectors(mut self, detectors: impl IntoIterator<Item = Detector>) -> Self {
        self.without_detectors.extend(detectors);
        self
    }

    /// Where detectors look for the files of the machine, such as `etc/os-release`. Default: `/`.
    ///
    /// For tests, and for a container that sees its host's files elsewhere.
    pub fn with_file_system(mut self, root: impl Into<PathBuf>) -> Self {
        self.file_system = root.into();
        self
    }

    /// Which traces to sample, whatever OTEL_TRACES_SAMPLER says. Default: every trace whose caller does not say
    /// otherwise. [`Telemetry::sampler`](super::Telemetry::sampler) changes it later.
    pub fn with_sampler(mut self, policy: SamplerPolicy) -> Self {
        self.sampler = Some(policy);
        self
    }

    /// Sets any setting of docs/configuration.md by its name, such as `OTEL_BSP_SCHEDULE_DELAY`, in the syntax of the
    /// variable, whatever environment and file say. An empty value sets nothing; a name that is no setting, or a value
    /// that is not valid, is a warning.
    pub fn with_setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Exports all signals to this base URL, whatever environment and file say.
    pub fn with_otlp_endpoint(self, protocol: Protocol, url: impl Into<String>) -> Self {
        self.with_setting("OTEL_EXPORTER_OTLP_PROTOCOL", protocol.name())
            .with_setting("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    }

    /// How log lines look. Default: readable on a terminal, JSON otherwise.
    /// TELEMETRY_LOG_FORMAT says the same without code.
    pub fn with_log_format(mut self, format: LogFormat) -> Self {
        self.log_format = Some(format);
        self
    }

    /// Where log lines go, each with its newline. Default: standard output.
    ///
    /// It is called by the thread that logs, which waits for it; standard output keeps no thread waiting. What it logs
    /// itself does not come to it. It must not panic: its panic is the panic of whoever logs, and one while a panic is
    /// logged ends the process.
    pub fn with_log_sink(mut self, sink: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.log_sink = Some(LogSink::new(sink));
        self
    }

    /// Adds a view: renames, drops or re-buckets instruments, leaves out attributes or bounds their series. Views of the
    /// declarative file come after those of the code. One that is not valid is ignored with a warning.
    pub fn with_view(mut self, view: View) -> Self {
        self.views.push(view);
        self
    }

    /// Adds metrics of a tokio runtime (`tokio.runtime.*`) under this name; several runtimes have names of their own.
    /// Default: that of the thread which calls [`build`](Self::build), if it has one, as `main`.
    pub fn with_runtime(mut self, name: impl Into<String>, runtime: Handle) -> Self {
        self.runtimes.push((name.into(), runtime));
        self
    }

    /// How much memory the queue of spans, and that of log records, may hold, about. What is recorded beyond it is
    /// dropped and counted. Default: 128 MiB each, or an eighth of the container's memory limit if that is less; it is taken
    /// only while that much waits.
    pub fn with_queue_bytes(mut self, bytes: usize) -> Self {
        self.queue_bytes = Some(bytes);
        self
    }

    /// The bound of `shutdown` over all signals. Default: 5 seconds. At most a year.
    pub fn with_shutdown_timeout(mut self, timeout: Duration) -> Self {
        // `Duration::MAX` from now is no point in time.
        self.shutdown_timeout = timeout.min(Duration::from_secs(365 * 24 * 3600));
        self
    }

    pub(crate) fn resolve(self) -> Result<Settings, BootstrapError> {
        let mut env = Env::new(self.settings, self.environment)?;
        let machine = Machine::this(self.file_system);
        let resource = resource::detect(
            &self.service,
            &self.attributes,
            &machine,
            &self.without_detectors,
            &mut env,
        );
        let disabled = env.flag("OTEL_SDK_DISABLED");
        let outputs =
            |name: &str, output: &str| !disabled && env.list(name).iter().any(|o| o == output);
        let console_spans = outputs("OTEL_TRACES_EXPORTER", "console");
        let console_metrics = outputs("OTEL_METRICS_EXPORTER", "console");
        let prometheus = outputs("OTEL_METRICS_EXPORTER", "prometheus").then(|| {
            let port = env.number("OTEL_EXPORTER_PROMETHEUS_PORT").unwrap_or(0);
            (env.value("OTEL_EXPORTER_PROMETHEUS_HOST"), port)
        });
        let spans_batch = Batching::resolve("OTEL_BSP", &mut env, self.queue_bytes);
        let logs_batch = Batching::resolve("OTEL_BLRP", &mut env, self.queue_bytes);
        let mut export =
            |signal: Signal, bound: &str| -> Result<Option<Endpoint>, BootstrapError> {
                let listed = env.list(signal.exporter_variable());
                if disabled || !listed.iter().any(|exporter| exporter == "otlp") {
                    return Ok(None);
                }
                let mut endpoint = endpoint_settings::resolve(signal, &mut env)?;
                endpoint.timeout = endpoint.timeout.min(env.timeout(bound));
                Ok(Some(endpoint))
            };
        let traces = export(Signal::Traces, "OTEL_BSP_EXPORT_TIMEOUT")?;
        let metrics = export(Signal::Metrics, "OTEL_METRIC_EXPORT_TIMEOUT")?;
        let logs = export(Signal::Logs, "OTEL_BLRP_EXPORT_TIMEOUT")?;
        let text = prometheus.is_some() || console_metrics;
        let exponential = metrics.is_some() && exponential(text, &mut env);
        let sampler = sampling::resolve(self.sampler, &mut env);
        let log_format = match self.log_format {
            Some(format) => {
                env.set_in_code("TELEMETRY_LOG_FORMAT", format.name());
                format
            }
            None => LogFormat::from_name(&env.value("TELEMETRY_LOG_FORMAT")).unwrap_or_default(),
        };
        let name = opentelemetry::Key::from_static_str("service.name");
        let service = resource.get(&name).map(|name| name.to_string());
        let service = service.unwrap_or_default();
        if self
            .attributes
            .iter()
            .any(|attribute| attribute.key == name)
        {
            env.set_in_code("OTEL_SERVICE_NAME", service.clone());
        }
        let mut views = self.views;
        views.extend(env.file_views());
        views.retain(|view| match view.stream() {
            Ok(_) => true,
            Err(error) => {
                env.say(format!(
                    "the view of {view} is not valid ({error}); ignoring it"
                ));
                false
            }
        });
        let mut runtimes = self.runtimes;
        if !env.flag("OTEL_INSTRUMENTATION_TOKIO_ENABLED") {
            runtimes.clear();
        } else if runtimes.is_empty() {
            runtimes.extend(
                Handle::try_current()
                    .ok()
                    .map(|own| ("main".to_owned(), own)),
            );
        }
        Ok(Settings {
            views,
            process: env
                .flag("OTEL_INSTRUMENTATION_PROCESS_ENABLED")
                .then(|| machine.clone()),
            runtimes,
            self_telemetry: env.flag("OTEL_INSTRUMENTATION_SDK_ENABLED"),
            disabled,
            traces,
            metrics,
            logs,
            console_spans,
            console_metrics,
            prometheus,
            spans_batch,
            logs_batch,
            span_limits: span_limits(&env),
            span_attributes: AttributeLimits {
                count: None,
                value_length: env.number("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT"),
            },
            log_attributes: AttributeLimits {
                count: env.number("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT"),
                value_length: env.number("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT"),
            },
            metric_interval: env.duration("OTEL_METRIC_EXPORT_INTERVAL"),
            temporality: temporality(&env),
            exponential,
            exemplar_filter: exemplar_filter(&env),
            sampler,
            propagation: propagation(&env),
            principal: ShownPrincipal::listed(&env.list("TELEMETRY_PRINCIPAL_ATTRIBUTES")),
            hash_key: Some(env.value("TELEMETRY_HASH_KEY"))
                .filter(|key| !key.is_empty())
                .map(SecretString::from),
            sensitive: match env.value("TELEMETRY_SENSITIVE_VALUES").as_str() {
                "drop" => Sensitive::Drop,
                _ => Sensitive::Hash,
            },
            log_filter: env.value("RUST_LOG"),
            own_log_level: Some(env.value("OTEL_LOG_LEVEL")).filter(|level| !level.is_empty()),
            span_filter: env.value("TELEMETRY_SPAN_FILTER"),
            log_format,
            log_span_fields: env.flag("TELEMETRY_LOG_SPAN_FIELDS"),
            log_panics: env.flag("TELEMETRY_LOG_PANICS"),
            log_project: env.value("GOOGLE_CLOUD_PROJECT"),
            log_sink: self.log_sink,
            shutdown_timeout: self.shutdown_timeout,
            report: env.report(&service),
            warnings: env.warnings,
            resource,
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
pub(crate) struct Settings {
    pub(crate) resource: Resource,
    pub(crate) views: Vec<View>,
    /// What to read the metrics of the process from.
    pub(crate) process: Option<Machine>,
    pub(crate) runtimes: Vec<(String, Handle)>,
    pub(crate) self_telemetry: bool,
    pub(crate) disabled: bool,
    pub(crate) traces: Option<Endpoint>,
    pub(crate) metrics: Option<Endpoint>,
    pub(crate) logs: Option<Endpoint>,
    pub(crate) console_spans: bool,
    pub(crate) console_metrics: bool,
    /// Where metrics are served besides the application's own routes.
    pub(crate) prometheus: Option<(String, u16)>,
    pub(crate) spans_batch: Batching,
    pub(crate) logs_batch: Batching,
    pub(crate) span_limits: SpanLimits,
    pub(crate) span_attributes: AttributeLimits,
    pub(crate) log_attributes: AttributeLimits,
    pub(crate) metric_interval: Duration,
    /// Of metrics that are pushed; those that are pulled are cumulative.
    pub(crate) temporality: Temporality,
    pub(crate) exponential: bool,
    pub(crate) exemplar_filter: ExemplarFilter,
    pub(crate) sampler: SamplerPolicy,
    pub(crate) propagation: Propagation,
    pub(crate) principal: ShownPrincipal,
    pub(crate) hash_key: Option<SecretString>,
    pub(crate) sensitive: Sensitive,
    pub(crate) log_filter: String,
    pub(crate) own_log_level: Option<String>,
    pub(crate) span_filter: String,
    pub(crate) log_format: LogFormat,
    pub(crate) log_span_fields: bool,
    pub(crate) log_panics: bool,
    /// The project of Google Cloud, for want of one in the resource.
    pub(crate) log_project: String,
    /// Standard output if there is none.
    pub(crate) log_sink: Option<LogSink>,
    pub(crate) shutdown_timeout: Duration,
    pub(crate) report: Report,
    pub(crate) warnings: Vec<String>,
}

/// What the SDK counts by itself. Left alone it would read some of it from the process environment.
fn span_limits(env: &Env) -> SpanLimits {
    let limit = |name: &str| env.number(name).unwrap_or(128);
    SpanLimits {
        max_attributes_per_span: limit("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"),
        max_events_per_span: limit("OTEL_SPAN_EVENT_COUNT_LIMIT"),
        max_links_per_span: limit("OTEL_SPAN_LINK_COUNT_LIMIT"),
        max_attributes_per_event: limit("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT"),
        max_attributes_per_link: limit("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT"),
    }
}

fn temporality(env: &Env) -> Temporality {
    match &*env.value("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE") {
        "delta" => Temporality::Delta,
        "lowmemory" => Temporality::LowMemory,
        _ => Temporality::Cumulative,
    }
}

/// Whether histograms are exponential. Views of the SDK apply to all readers, and exponential histograms have no text
/// form: one who asks for text explicitly keeps explicit buckets.
fn exponential(text: bool, env: &mut Env) -> bool {
    const NAME: &str = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";
    const EXPONENTIAL: &str = "base2_exponential_bucket_histogram";
    if env.value(NAME) != EXPONENTIAL {
        return false;
    }
    if text {
        env.use_instead(NAME, "explicit_bucket_histogram");
        env.say(format!(
            "{NAME}={EXPONENTIAL:?} cannot be combined with prometheus or console in OTEL_METRICS_EXPORTER, because \
             exponential histograms have no text form; using explicit_bucket_histogram"
        ));
    } else {
        env.say(format!(
            "{NAME}={EXPONENTIAL:?} takes histograms from /metrics, because exponential histograms have no text form; \
             using it for OTLP"
        ));
    }
    !text
}

fn exemplar_filter(env: &Env) -> ExemplarFilter {
    match &*env.value("OTEL_METRICS_EXEMPLAR_FILTER") {
        "always_on" => ExemplarFilter::AlwaysOn,
        "always_off" => ExemplarFilter::AlwaysOff,
        _ => ExemplarFilter::TraceBased,
    }
}

fn propagation(env: &Env) -> Propagation {
    let names = env.list("OTEL_PROPAGATORS");
    Propagation::new(names.iter().filter_map(|name| Format::from_name(name)))
}
