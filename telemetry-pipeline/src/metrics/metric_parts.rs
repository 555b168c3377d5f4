//! The parts of the metrics of a pipeline: readers, views, meters, exemplars and the text of `/metrics`.

use std::sync::Arc;

use opentelemetry_sdk::{
    Resource,
    metrics::{SdkMeterProvider, Temporality},
};

use crate::{
    metrics::overflow::Overflows,
    metrics::{
        guarded_meters::GuardedMeters,
        metric_reader::SharedReader,
        prometheus::TextExposition,
        views::{self, View},
    },
    otlp::Reporter,
};
use telemetry_api::instrument::exemplar::{ExemplarFilter, ExemplarStore};

/// The choices that decide how metrics are aggregated.
#[derive(Debug)]
pub(crate) struct MetricChoices {
    pub(crate) views: Vec<View>,
    /// Histograms without buckets of their own are exponential.
    pub(crate) exponential: bool,
    pub(crate) exemplar_filter: ExemplarFilter,
    /// The temporality of the push. Without a push, and with a cumulative one, all outputs share one reader.
    pub(crate) pushed: Temporality,
}

impl Default for MetricChoices {
    fn default() -> Self {
        Self {
            views: Vec::new(),
            exponential: false,
            exemplar_filter: ExemplarFilter::default(),
            pushed: Temporality::Cumulative,
        }
    }
}

/// The parts of the metrics of one pipeline.
pub(crate) struct MetricParts {
    pub(crate) meters: GuardedMeters,
    /// All readers, each once.
    pub(crate) readers: Vec<SharedReader>,
    /// The reader of the push.
    pub(crate) pushed: SharedReader,
    pub(crate) exemplars: Arc<ExemplarStore>,
    pub(crate) text: Arc<TextExposition>,
}

impl MetricParts {
    pub(crate) fn new(
        choices: MetricChoices,
        resource: &Resource,
        overflows: &Arc<Overflows>,
        reporter: &Arc<Reporter>,
    ) -> Self {
        let reader = SharedReader::new().watched_by(overflows);
        let exemplars = Arc::new(ExemplarStore::new(choices.exemplar_filter));
        let text = TextExposition::new(
            reader.clone(),
            exemplars.clone(),
            resource,
            reporter.clone(),
        );
        let mut provider = SdkMeterProvider::builder()
            .with_resource(resource.clone())
            .with_reader(reader.clone());
        let mut readers = vec![reader.clone()];
        let mut pushed = reader;
        if choices.pushed != Temporality::Cumulative {
            pushed = SharedReader::with_temporality(choices.pushed).watched_by(overflows);
            provider = provider.with_reader(pushed.clone());
            readers.push(pushed.clone());
        }
        let provider = views::apply(provider, choices.views, choices.exponential, &exemplars);
        Self {
            meters: GuardedMeters::new(provider.build(), reporter.clone()),
            readers,
            pushed,
            exemplars,
            text: Arc::new(text),
        }
    }
}
