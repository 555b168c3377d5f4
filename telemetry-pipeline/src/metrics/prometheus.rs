//! `/metrics`: the SDK's metrics as text, by the OpenTelemetry specification "Prometheus and OpenMetrics
//! Compatibility". Exponential histograms have no text form and are left out.

mod canonical_number;
mod coalesce;
mod families;
mod family_name;
mod other_registry;
mod sample_lines;
mod scrape_server;
mod unit_words;

use std::{
    collections::HashSet,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use opentelemetry_sdk::Resource;

pub(crate) use self::scrape_server::serve;
use self::{coalesce::Coalesced, families::Families, sample_lines::Labels};
use crate::{metrics::metric_reader::SharedReader, otlp::Reporter};
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
    reporter: Arc<Reporter>,
    /// The families that a warning has named.
    repeated: Mutex<HashSet<String>>,
    /// Whether a warning has told that the metrics cannot be read.
    unread: AtomicBool,
    open_metrics: Coalesced,
    prometheus: Coalesced,
}

impl TextExposition {
    pub(crate) fn new(
        reader: SharedReader,
        exemplars: Arc<ExemplarStore>,
        resource: &Resource,
        reporter: Arc<Reporter>,
    ) -> Self {
        let target = Labels::new(resource.iter().map(|(key, value)| (key.as_str(), value)));
        Self {
            reader,
            exemplars,
            target,
            others: Mutex::default(),
            reporter,
            repeated: Mutex::default(),
            unread: AtomicBool::new(false),
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
        let metrics = metrics
            .inspect_err(|reason| self.warn_of_unread(reason))
            .ok();
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
        for family in families.write(&mut text, &self.exemplars, format) {
            self.warn_of_repeated(family);
        }
        if format == ScrapeFormat::OpenMetrics {
            text.push_str("# EOF\n");
        }
        text
    }
}

impl TextExposition {
    /// Warns once that the metrics cannot be read. The text has then what other registries say.
    fn warn_of_unread(&self, reason: &str) {
        if !self.unread.swap(true, Ordering::Relaxed) {
            self.reporter.log(|| {
                tracing::warn!(target: "telemetry", reason, "the metrics cannot be read, so /metrics does not show them");
            });
        }
    }

    /// Warns once of a family that left out points.
    fn warn_of_repeated(&self, family: &str) {
        let mut repeated = self.repeated.lock().unwrap_or_else(PoisonError::into_inner);
        if !repeated.insert(family.to_owned()) {
            return;
        }
        drop(repeated);
        self.reporter.log(|| {
            tracing::warn!(
                target: "telemetry",
                family,
                "several series have the same name and labels at /metrics, where only the first of them is shown: two \
                 instruments have one name, or keys of attributes differ only in characters that Prometheus does not know. \
                 Rename one of them"
            );
        });
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
