//! `/metrics`: the SDK's metrics as text, by the OpenTelemetry specification "Prometheus and OpenMetrics
//! Compatibility". Exponential histograms have no text form and are left out.

mod name;
mod server;
mod write;

use std::{collections::BTreeMap, fmt, sync::Arc};

use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::{
    Resource,
    metrics::data::{AggregatedMetrics, HistogramDataPoint, Metric, MetricData, Sum},
};

pub(super) use self::server::serve;
use self::{
    name::{FamilyName, Kind},
    write::{Labels, Number},
};
use super::export::SharedReader;
use crate::{
    exemplar::ExemplarStore,
    scrape::{Scrape, ScrapeFormat},
};

/// Answers scrapes from the reader that OTLP export uses too.
pub(crate) struct TextExposition {
    reader: SharedReader,
    exemplars: Arc<ExemplarStore>,
    target: Labels,
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
        }
    }
}

impl Scrape for TextExposition {
    fn scrape(&self, format: ScrapeFormat) -> String {
        let mut families = BTreeMap::<String, Family>::new();
        if let Some(metrics) = self.reader.read() {
            for scope in metrics.scope_metrics() {
                for metric in scope.metrics() {
                    self.add(&mut families, scope.scope(), metric, format);
                }
            }
        }
        let mut text = String::new();
        write::target_info(&mut text, &self.target, format);
        for (name, family) in &families {
            write::header(&mut text, name, &family.name, &family.help, format);
            text.push_str(&family.samples);
        }
        if format == ScrapeFormat::OpenMetrics {
            text.push_str("# EOF\n");
        }
        text
    }
}

/// All samples of one name: they must stand together, whatever scopes they come from.
struct Family {
    name: FamilyName,
    help: String,
    samples: String,
}

impl TextExposition {
    fn add(
        &self,
        families: &mut BTreeMap<String, Family>,
        scope: &InstrumentationScope,
        metric: &Metric,
        format: ScrapeFormat,
    ) {
        let Some(kind) = kind(metric.data()) else {
            return;
        };
        let name = FamilyName::new(metric.name(), metric.unit(), kind);
        let family = families.entry(name.base.clone()).or_insert_with(|| Family {
            name: name.clone(),
            help: metric.description().to_owned(),
            samples: String::new(),
        });
        // The same name as another kind cannot be exposed: the first wins.
        if family.name.kind != kind {
            return;
        }
        let samples = &mut family.samples;
        let with_scope =
            |attributes: &mut dyn Iterator<Item = &KeyValue>| Labels::of_point(scope, attributes);
        match metric.data() {
            AggregatedMetrics::F64(data) => {
                self.points(samples, metric, &name, data, format, with_scope)
            }
            AggregatedMetrics::U64(data) => {
                self.points(samples, metric, &name, data, format, with_scope)
            }
            AggregatedMetrics::I64(data) => {
                self.points(samples, metric, &name, data, format, with_scope)
            }
        }
    }

    fn points<T: Number + Copy>(
        &self,
        samples: &mut String,
        metric: &Metric,
        name: &FamilyName,
        data: &MetricData<T>,
        format: ScrapeFormat,
        labels: impl Fn(&mut dyn Iterator<Item = &KeyValue>) -> Labels,
    ) {
        match data {
            MetricData::Gauge(gauge) => {
                for point in gauge.data_points() {
                    write::sample(
                        samples,
                        &name.base,
                        &labels(&mut point.attributes()),
                        point.value(),
                    );
                }
            }
            MetricData::Sum(sum) => {
                let sample = name.sample();
                for point in sum.data_points() {
                    write::sample(
                        samples,
                        &sample,
                        &labels(&mut point.attributes()),
                        point.value(),
                    );
                }
            }
            MetricData::Histogram(histogram) => {
                for point in histogram.data_points() {
                    self.histogram(
                        samples,
                        metric,
                        name,
                        point,
                        format,
                        &labels(&mut point.attributes()),
                    );
                }
            }
            MetricData::ExponentialHistogram(_) => {}
        }
    }

    fn histogram<T: Number + Copy>(
        &self,
        samples: &mut String,
        metric: &Metric,
        name: &FamilyName,
        point: &HistogramDataPoint<T>,
        format: ScrapeFormat,
        labels: &Labels,
    ) {
        let exemplars = match format {
            ScrapeFormat::OpenMetrics => self.exemplars.find(metric.name(), point.attributes()),
            ScrapeFormat::Prometheus => Vec::new(),
        };
        let bucket = format!("{}_bucket", name.base);
        let bounds = point.bounds().map(Some).chain([None]);
        let mut cumulative = 0;
        for (i, (bound, count)) in bounds.zip(point.bucket_counts()).enumerate() {
            cumulative += count;
            write::bucket(
                samples,
                &bucket,
                labels,
                bound,
                cumulative,
                exemplars.get(i).copied().flatten(),
            );
        }
        write::sample(samples, &format!("{}_sum", name.base), labels, point.sum());
        write::sample(
            samples,
            &format!("{}_count", name.base),
            labels,
            point.count(),
        );
    }
}

fn kind(data: &AggregatedMetrics) -> Option<Kind> {
    fn of<T>(data: &MetricData<T>) -> Option<Kind> {
        match data {
            MetricData::Gauge(_) => Some(Kind::Gauge),
            MetricData::Sum(sum) => Some(if Sum::is_monotonic(sum) {
                Kind::Counter
            } else {
                Kind::Gauge
            }),
            MetricData::Histogram(_) => Some(Kind::Histogram),
            MetricData::ExponentialHistogram(_) => None,
        }
    }
    match data {
        AggregatedMetrics::F64(data) => of(data),
        AggregatedMetrics::U64(data) => of(data),
        AggregatedMetrics::I64(data) => of(data),
    }
}

impl fmt::Debug for TextExposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextExposition").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
