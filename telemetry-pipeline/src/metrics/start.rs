//! The start of metrics: readers, views, exemplars, exporters.

use std::{net::SocketAddr, sync::Arc};

use opentelemetry_sdk::metrics::Temporality;
use telemetry_api::instrument::exemplar::{ExemplarFilter, ExemplarStore};

use super::{
    console::write_metrics,
    guarded_meters::GuardedMeters,
    metric_export::MetricsExport,
    metric_parts::{MetricChoices, MetricParts},
    metric_reader::SharedReader,
    overflow::Overflows,
    prometheus::{TextExposition, serve},
    settings::MetricsSettings,
};
use crate::{common::Common, error::BootstrapError, otlp::Flush};

/// Running metrics.
pub(crate) struct MetricPipeline {
    pub(crate) provider: GuardedMeters,
    pub(crate) readers: Vec<SharedReader>,
    pub(crate) exemplars: Arc<ExemplarStore>,
    pub(crate) text: Arc<TextExposition>,
    pub(crate) overflows: Arc<Overflows>,
    pub(crate) flushes: Vec<Flush>,
    /// The address of the second `/metrics`.
    pub(crate) prometheus: Option<SocketAddr>,
    pub(crate) warning: Option<String>,
}

/// `traced`: spans go somewhere, so an exemplar may lead to one.
pub(crate) fn start(
    mut settings: MetricsSettings,
    traced: bool,
    common: &Common,
) -> Result<MetricPipeline, BootstrapError> {
    let overflows = Arc::new(Overflows::new(common.reporter.clone()));
    let choices = MetricChoices {
        views: std::mem::take(&mut settings.views),
        exponential: settings.exponential,
        exemplar_filter: match settings.exemplar_filter {
            // Spans may be sampled, but a trace that is not exported cannot be looked at.
            ExemplarFilter::TraceBased if !traced => ExemplarFilter::AlwaysOff,
            filter => filter,
        },
        pushed: match settings.export {
            Some(_) => settings.temporality,
            None => Temporality::Cumulative,
        },
    };
    let parts = MetricParts::new(choices, &common.resource, &overflows, &common.reporter);
    let MetricParts {
        meters,
        readers,
        pushed,
        exemplars,
        text,
    } = parts;
    let mut pipeline = MetricPipeline {
        provider: meters,
        readers,
        exemplars,
        text,
        overflows,
        flushes: Vec::new(),
        prometheus: None,
        warning: None,
    };
    pipeline.export(settings, pushed, common)?;
    Ok(pipeline)
}

impl MetricPipeline {
    fn export(
        &mut self,
        settings: MetricsSettings,
        pushed: SharedReader,
        common: &Common,
    ) -> Result<(), BootstrapError> {
        let Some(worker) = &common.worker else {
            return Ok(());
        };
        let interval = settings.interval;
        if let Some(endpoint) = settings.export {
            let exemplars = self.exemplars.clone();
            self.flushes.push(MetricsExport::start(
                worker,
                pushed,
                exemplars,
                endpoint,
                interval,
                &common.reporter,
            )?);
        }
        if settings.console {
            let (sink, text) = (common.sink.clone(), self.text.clone());
            self.flushes
                .push(write_metrics(worker, text, sink, interval));
        }
        if let Some((host, port)) = settings.prometheus {
            match serve(worker, &host, port, self.text.clone()) {
                Ok(address) => self.prometheus = Some(address),
                Err(error) => {
                    self.warning = Some(format!(
                        "OTEL_EXPORTER_PROMETHEUS_HOST={host:?} and OTEL_EXPORTER_PROMETHEUS_PORT={port} cannot be \
                         listened on ({error}); using only the application's own route /metrics"
                    ));
                }
            }
        }
        Ok(())
    }
}
