//! `/metrics`: the SDK's metrics as text, by the OpenTelemetry specification "Prometheus and OpenMetrics
//! Compatibility". Exponential histograms have no text form and are left out.

mod coalesce;
mod families;
mod family_name;
mod other_registry;
mod sample_lines;
mod scrape_server;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use opentelemetry_sdk::Resource;

pub(crate) use self::scrape_server::serve;
use self::{coalesce::Coalesced, families::Families, sample_lines::Labels};
use crate::metrics::metric_reader::SharedReader;
use telemetry_api::instrument::{
    exemplar::ExemplarStore,
    scrape::{Exposition, Scrape, ScrapeFormat},
};

/// Answers scrapes from the reader that OTLP export uses too.
pub(crate) struct TextExposition {
    reader: SharedReader,
    exemplars: Arc<ExemplarStore>,
    target: Labels,
    others: Mutex<Vec<Exposition>>,
    open_metrics: Coalesced,
    prometheus: Coalesced,
}

impl TextExposition {
    pub(crate) fn new(
        reader: SharedReader,
        exemplars: Arc<ExemplarStore>,
        resource: &Resource,
    ) -> Self {
        let target = Labels::new(resource.iter().map(|(key, value)| (key.as_str(), value)));
        Self {
            reader,
            exemplars,
            target,
            others: Mutex::default(),
            open_metrics: Coalesced::default(),
            prometheus: Coalesced::default(),
        }
    }
}

impl Scrape for TextExposition {
    fn scrape(&self, format: ScrapeFormat) -> String {
        let coalesced = match format {
            ScrapeFormat::OpenMetrics => &self.open_metrics,
            ScrapeFormat::Prometheus => &self.prometheus,
        };
        coalesced.get(|| self.render(format))
    }

    fn merge(&self, other: Exposition) -> bool {
        self.others
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(other);
        true
    }
}

impl TextExposition {
    fn render(&self, format: ScrapeFormat) -> String {
        // The lock is not held while others' code runs.
        let others = self
            .others
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let others: Vec<String> = others.iter().map(|other| other()).collect();
        let metrics = self.reader.read("prometheus_http_text_metric_exporter");
        let mut families = Families::default();
        for scope in metrics.iter().flat_map(|metrics| metrics.scope_metrics()) {
            for metric in scope.metrics() {
                families.add(scope.scope(), metric);
            }
        }
        for family in others
            .iter()
            .flat_map(|text| other_registry::families(text))
        {
            families.add_foreign(family);
        }
        let mut text = String::with_capacity(16 * 1024);
        sample_lines::target_info(&mut text, &self.target, format);
        families.write(&mut text, &self.exemplars, format);
        if format == ScrapeFormat::OpenMetrics {
            text.push_str("# EOF\n");
        }
        text
    }
}

impl fmt::Debug for TextExposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextExposition").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod strict_parser;
#[cfg(test)]
mod tests;
