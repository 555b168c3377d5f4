//! The decided configuration of metrics.

use std::time::Duration;

use opentelemetry_sdk::metrics::Temporality;
use telemetry_api::instrument::exemplar::ExemplarFilter;
use tokio::runtime::Handle;

use super::views::View;
use crate::{
    error::BootstrapError,
    otlp::{endpoint::Endpoint, settings::endpoint, signal::Signal},
    settings::{
        Settings, exporters,
        metrics::{self, HistogramAggregation},
    },
};

#[derive(Debug)]
pub(crate) struct MetricsSettings {
    pub(crate) export: Option<Endpoint>,
    /// Metrics are written as log lines are.
    pub(crate) console: bool,
    /// The address of a second `/metrics`, beside the application's own routes.
    pub(crate) prometheus: Option<(String, u16)>,
    pub(crate) interval: Duration,
    /// Of metrics that are pushed; those that are pulled are cumulative.
    pub(crate) temporality: Temporality,
    pub(crate) exponential: bool,
    pub(crate) exemplar_filter: ExemplarFilter,
    pub(crate) views: Vec<View>,
    /// The tokio runtimes to observe, with their names.
    pub(crate) runtimes: Vec<(String, Handle)>,
    /// Metrics of the process.
    pub(crate) process: bool,
    /// Metrics of the telemetry itself.
    pub(crate) sdk: bool,
}

impl MetricsSettings {
    /// `views` and `runtimes` are those of the code.
    pub(crate) fn read(
        disabled: bool,
        views: Vec<View>,
        runtimes: Vec<(String, Handle)>,
        settings: &mut Settings,
    ) -> Result<Self, BootstrapError> {
        let exporters = settings.get(&exporters::METRICS);
        let prometheus = (exporters.prometheus && !disabled).then(|| {
            let host = settings.get(&exporters::PROMETHEUS_HOST);
            (host, settings.get(&exporters::PROMETHEUS_PORT))
        });
        let console = exporters.console && !disabled;
        let export = if exporters.otlp && !disabled {
            let bound = settings.get(&metrics::EXPORT_TIMEOUT);
            Some(endpoint(Signal::Metrics, bound, settings)?)
        } else {
            None
        };
        let text = prometheus.is_some() || console;
        Ok(Self {
            exponential: export.is_some() && exponential(text, settings),
            export,
            console,
            prometheus,
            interval: settings.get(&metrics::INTERVAL),
            temporality: settings.get(&metrics::TEMPORALITY),
            exemplar_filter: settings.get(&metrics::EXEMPLAR_FILTER),
            views: valid(views, settings),
            runtimes: observed(runtimes, settings.get(&metrics::TOKIO)),
            process: settings.get(&metrics::PROCESS),
            sdk: settings.get(&metrics::SDK),
        })
    }
}

/// True if histograms are exponential. Views of the SDK apply to all readers, and exponential histograms have no text
/// form, so they yield to a text that was asked for.
fn exponential(text: bool, settings: &mut Settings) -> bool {
    let setting = &metrics::HISTOGRAM_AGGREGATION;
    if settings.get(setting) != HistogramAggregation::Exponential {
        return false;
    }
    let (name, value) = (setting.name(), settings.shown(setting).to_owned());
    if text {
        settings.use_instead(setting, setting.default());
        settings.say(format!(
            "{name}={value:?} cannot be combined with prometheus or console in OTEL_METRICS_EXPORTER, because \
             exponential histograms have no text form; using {}",
            setting.default()
        ));
    } else {
        settings.say(format!(
            "{name}={value:?} takes histograms from /metrics, because exponential histograms have no text form; \
             using it for OTLP"
        ));
    }
    !text
}

/// The views of the code and those of the file after them, without those that are not valid.
fn valid(mut views: Vec<View>, settings: &mut Settings) -> Vec<View> {
    views.extend(settings.take_file_views());
    views.retain(|view| match view.stream() {
        Ok(_) => true,
        Err(error) => {
            settings.say(format!(
                "the view of {view} is not valid ({error}); ignoring it"
            ));
            false
        }
    });
    views
}

/// The runtimes of the code, else that of this thread.
fn observed(mut runtimes: Vec<(String, Handle)>, enabled: bool) -> Vec<(String, Handle)> {
    if !enabled {
        runtimes.clear();
    } else if runtimes.is_empty() {
        let own = Handle::try_current().ok();
        runtimes.extend(own.map(|own| ("main".to_owned(), own)));
    }
    runtimes
}
