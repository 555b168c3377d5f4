//! Configuration in code, and the decisions that follow from it and from the settings.

use std::{collections::HashMap, fmt, path::PathBuf, sync::Arc, time::Duration};

use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::Resource;
use secrecy::SecretString;
use telemetry_api::{
    instrument::{pipeline::ShownPrincipal, propagation::Propagation},
    sensitive::Sensitive,
};
use tokio::runtime::Handle;

use crate::{
    error::BootstrapError,
    logs::{LogFormat, LogSink, settings::LogsSettings},
    metrics::{settings::MetricsSettings, views::View},
    otlp::protocol::Protocol,
    resource::{self, Detector, Machine},
    service::Service,
    settings::{Environment, Settings, identity, otlp, service, traces},
    traces::{sampling::SamplerPolicy, settings::TracesSettings},
};

/// Configuration of telemetry in code. [`build`](Self::build) has no global effect, [`bootstrap`](Self::bootstrap)
/// installs.
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
    /// The defaults of docs/defaults.md and the environment of the process.
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

    /// Leaves these detectors out, for instance the one that finds the path of the executable. Default: all detectors run.
    pub fn without_detectors(mut self, detectors: impl IntoIterator<Item = Detector>) -> Self {
        self.without_detectors.extend(detectors);
        self
    }

    /// The directory that has the files of the machine, such as `etc/os-release`, for detectors. Default: `/`.
    ///
    /// For tests, and for a container that sees its host's files elsewhere.
    pub fn with_file_system(mut self, root: impl Into<PathBuf>) -> Self {
        self.file_system = root.into();
        self
    }

    /// Samples traces by this policy, and ignores OTEL_TRACES_SAMPLER. Default: every trace, except that the caller's
    /// decision counts. [`Telemetry::sampler`](super::Telemetry::sampler) changes it later.
    pub fn with_sampler(mut self, policy: SamplerPolicy) -> Self {
        self.sampler = Some(policy);
        self
    }

    /// Sets any setting of docs/configuration.md by its name, such as `OTEL_BSP_SCHEDULE_DELAY`, in the syntax of the
    /// variable. It beats environment and file. An empty value sets nothing. A name that is no setting, or a value that is
    /// not valid, is a warning; for a name that begins with `OTEL_INSTRUMENTATION_` the warning comes at shutdown, because
    /// an adapter may still read it.
    pub fn with_setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Exports all signals to this base URL. It beats environment and file.
    pub fn with_otlp_endpoint(self, protocol: Protocol, url: impl Into<String>) -> Self {
        self.with_setting(otlp::GENERAL.protocol.name(), protocol.name())
            .with_setting(otlp::GENERAL.endpoint.name(), url)
    }

    /// The format of log lines. Default: readable on a terminal, JSON otherwise.
    /// TELEMETRY_LOG_FORMAT sets it without code.
    pub fn with_log_format(mut self, format: LogFormat) -> Self {
        self.log_format = Some(format);
        self
    }

    /// Writes log lines to this function, each with its newline. Default: standard output.
    ///
    /// The thread that logs calls it and waits for it; standard output keeps no thread waiting. Its own log lines do not
    /// come to it. It must not panic: its panic is a panic of the thread that logs, and one while a panic is logged ends
    /// the process.
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
    /// Default: the runtime of the thread that calls [`build`](Self::build), if it has one, as `main`.
    pub fn with_runtime(mut self, name: impl Into<String>, runtime: Handle) -> Self {
        self.runtimes.push((name.into(), runtime));
        self
    }

    /// The memory in bytes, roughly, that the queue of spans may hold, and the queue of log records. Items beyond it are
    /// dropped and counted. Default: 128 MiB each, or an eighth of the container's memory limit if that is less. The memory
    /// is taken only while that much waits.
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

    pub(crate) fn resolve(self) -> Result<Plan, BootstrapError> {
        let mut settings = Settings::read(self.settings, self.environment.clone())?;
        let disabled = settings.get(&service::DISABLED);
        let machine = Machine::this(self.file_system).in_environment(self.environment);
        let resource = resource::detect(
            &self.service,
            &self.attributes,
            &machine,
            &self.without_detectors,
            &mut settings,
        );
        let (bytes, runtimes) = (self.queue_bytes, self.runtimes);
        let traces = TracesSettings::read(disabled, self.sampler, bytes, &mut settings)?;
        let metrics = MetricsSettings::read(disabled, self.views, runtimes, &mut settings)?;
        let logs = LogsSettings::read(disabled, self.log_format, bytes, &mut settings)?;
        Ok(Plan {
            resource,
            machine,
            disabled,
            traces,
            metrics,
            logs,
            log_sink: self.log_sink,
            propagation: settings.get(&traces::PROPAGATORS),
            principal: ShownPrincipal::listed(&settings.get(&identity::PRINCIPAL_ATTRIBUTES)),
            hash_key: settings.get(&identity::HASH_KEY),
            sensitive: settings.get(&identity::SENSITIVE_VALUES),
            shutdown_timeout: self.shutdown_timeout,
            settings,
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

/// The decisions for a pipeline.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) resource: Resource,
    /// The source of the metrics of the process.
    pub(crate) machine: Machine,
    pub(crate) disabled: bool,
    pub(crate) traces: TracesSettings,
    pub(crate) metrics: MetricsSettings,
    pub(crate) logs: LogsSettings,
    /// `None` for standard output.
    pub(crate) log_sink: Option<LogSink>,
    pub(crate) propagation: Propagation,
    pub(crate) principal: ShownPrincipal,
    pub(crate) hash_key: Option<SecretString>,
    pub(crate) sensitive: Sensitive,
    pub(crate) shutdown_timeout: Duration,
    pub(crate) settings: Settings,
}
