//! All samples of one name stand together, whatever scopes and registries they come from.

use std::collections::{BTreeMap, HashMap, HashSet};

use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, HistogramDataPoint, Metric, MetricData, Sum,
};

use super::{
    family_name::{FamilyName, Kind, label},
    other_registry::{Foreign, without_exemplar},
    sample_lines::{self, Labels, Number, ScopeLabels},
};
use telemetry_api::instrument::{
    exemplar::{ExemplarStore, StreamExemplars},
    scrape::ScrapeFormat,
};

/// The families of one scrape, by name.
#[derive(Default)]
pub(crate) struct Families<'a> {
    by_name: BTreeMap<String, Family<'a>>,
    /// The names of samples and the family each belongs to.
    claims: HashMap<String, String>,
}

struct Family<'a> {
    name: FamilyName,
    help: &'a str,
    own: Vec<(&'a InstrumentationScope, &'a Metric)>,
    foreign: Vec<Foreign<'a>>,
}

impl<'a> Families<'a> {
    pub(crate) fn add(&mut self, scope: &'a InstrumentationScope, metric: &'a Metric) {
        if let Some(kind) = kind(metric.data()) {
            let name = FamilyName::new(metric.name(), metric.unit(), kind);
            self.family(name, metric.description())
                .own
                .push((scope, metric));
        }
    }

    pub(crate) fn add_foreign(&mut self, foreign: Foreign<'a>) {
        let name = FamilyName {
            base: foreign.name.to_owned(),
            unit: foreign.unit.map(str::to_owned),
            kind: foreign.kind.unwrap_or(Kind::Unknown),
        };
        let help = foreign.help;
        self.family(name, help).foreign.push(foreign);
    }

    /// The family of this name and kind. A name that is taken by another kind, or whose samples would be taken for
    /// another's, gets its kind appended: both formats forbid the one, and losing data would be worse than a name
    /// nobody asked for.
    fn family(&mut self, mut name: FamilyName, help: &'a str) -> &mut Family<'a> {
        while !self.fits(&name) {
            name.base.push('_');
            name.base.push_str(name.kind.as_str());
            // The unit does not end the name any longer.
            name.unit = None;
        }
        for suffix in name.kind.suffixes() {
            let sample = [&name.base, *suffix].concat();
            self.claims.insert(sample, name.base.clone());
        }
        self.by_name
            .entry(name.base.clone())
            .or_insert_with(|| Family {
                name,
                help,
                own: Vec::new(),
                foreign: Vec::new(),
            })
    }

    fn fits(&self, name: &FamilyName) -> bool {
        if name.base == "target" {
            return false;
        }
        if let Some(family) = self.by_name.get(&name.base) {
            return family.name.kind == name.kind;
        }
        name.kind.suffixes().iter().all(|suffix| {
            let sample = [&name.base, *suffix].concat();
            sample != "target_info" && !self.claims.contains_key(&sample)
        })
    }

    /// Writes all families. Returns the names of those that left out points, because other points have the same labels.
    pub(crate) fn write(
        &self,
        text: &mut String,
        exemplars: &ExemplarStore,
        format: ScrapeFormat,
    ) -> Vec<&str> {
        let mut repeated = Vec::new();
        for family in self.by_name.values() {
            sample_lines::header(text, &family.name, family.help, format);
            if family.write(text, exemplars, format) {
                repeated.push(&*family.name.base);
            }
        }
        repeated
    }
}

impl Family<'_> {
    /// Writes the samples. Returns whether points were left out because their labels are those of another point.
    fn write(&self, text: &mut String, exemplars: &ExemplarStore, format: ScrapeFormat) -> bool {
        let mut seen = self.may_repeat().then(HashSet::new);
        let mut left_out = false;
        for (scope, metric) in &self.own {
            let scope = ScopeLabels::new(scope);
            let mut writer = Writer {
                text: &mut *text,
                name: &self.name,
                scope: &scope,
                seen: seen.as_mut(),
                left_out: &mut left_out,
                exemplars: match format {
                    ScrapeFormat::OpenMetrics => exemplars.of_stream(metric.name()),
                    ScrapeFormat::Prometheus => StreamExemplars::None,
                },
            };
            match metric.data() {
                AggregatedMetrics::F64(data) => writer.points(data),
                AggregatedMetrics::U64(data) => writer.points(data),
                AggregatedMetrics::I64(data) => writer.points(data),
            }
        }
        for foreign in &self.foreign {
            for sample in &foreign.samples {
                let sample = match format {
                    ScrapeFormat::OpenMetrics => sample,
                    ScrapeFormat::Prometheus => without_exemplar(sample),
                };
                // The family may have got another name than it came with.
                if let Some(rest) = sample.strip_prefix(foreign.name) {
                    text.push_str(&self.name.base);
                    text.push_str(rest);
                    text.push('\n');
                }
            }
        }
        left_out
    }

    /// Whether two points may have the same labels: if instruments whose names become one are here, or keys of
    /// attributes that become one label.
    fn may_repeat(&self) -> bool {
        let [(scope, metric)] = self.own.as_slice() else {
            return true;
        };
        let mut keys: Vec<&str> = Vec::new();
        each_key(metric.data(), &mut |key| {
            if !keys.contains(&key) {
                keys.push(key);
            }
        });
        let mut labels = HashSet::new();
        let scope = ScopeLabels::new(scope);
        let mut all = keys.into_iter().chain(scope.keys());
        all.any(|key| !labels.insert(label(key)))
    }
}

/// The key of each attribute of each point.
fn each_key<'a>(data: &'a AggregatedMetrics, visit: &mut dyn FnMut(&'a str)) {
    fn of<'a, T>(data: &'a MetricData<T>, visit: &mut dyn FnMut(&'a str)) {
        let mut point = |attributes: &mut dyn Iterator<Item = &'a KeyValue>| {
            attributes.for_each(|one| visit(one.key.as_str()));
        };
        match data {
            MetricData::Gauge(data) => data
                .data_points()
                .for_each(|one| point(&mut one.attributes())),
            MetricData::Sum(data) => data
                .data_points()
                .for_each(|one| point(&mut one.attributes())),
            MetricData::Histogram(data) => data
                .data_points()
                .for_each(|one| point(&mut one.attributes())),
            MetricData::ExponentialHistogram(_) => {}
        }
    }
    match data {
        AggregatedMetrics::F64(data) => of(data, visit),
        AggregatedMetrics::U64(data) => of(data, visit),
        AggregatedMetrics::I64(data) => of(data, visit),
    }
}

/// Writes the points of one metric.
struct Writer<'a> {
    text: &'a mut String,
    name: &'a FamilyName,
    scope: &'a ScopeLabels,
    seen: Option<&'a mut HashSet<String>>,
    left_out: &'a mut bool,
    exemplars: StreamExemplars<'a>,
}

impl Writer<'_> {
    fn points<T: Number + Copy>(&mut self, data: &MetricData<T>) {
        match data {
            MetricData::Gauge(gauge) => {
                for point in gauge.data_points() {
                    if let Some(labels) = self.labels(&mut point.attributes()) {
                        sample_lines::sample(self.text, &self.name.base, &labels, point.value());
                    }
                }
            }
            MetricData::Sum(sum) => {
                let name = self.name.sample();
                for point in sum.data_points() {
                    if let Some(labels) = self.labels(&mut point.attributes()) {
                        let exemplar = match self.name.kind {
                            Kind::Counter => self.exemplars.latest(point.attributes()),
                            // A sum that falls is a gauge, and a gauge has none.
                            _ => None,
                        };
                        sample_lines::total(self.text, &name, &labels, point.value(), exemplar);
                    }
                }
            }
            MetricData::Histogram(histogram) => {
                let [bucket, sum, count] =
                    ["_bucket", "_sum", "_count"].map(|suffix| [&self.name.base, suffix].concat());
                for point in histogram.data_points() {
                    if let Some(labels) = self.labels(&mut point.attributes()) {
                        self.buckets(&bucket, point, &labels);
                        sample_lines::sample(self.text, &sum, &labels, point.sum());
                        sample_lines::sample(self.text, &count, &labels, point.count());
                    }
                }
            }
            MetricData::ExponentialHistogram(_) => {}
        }
    }

    fn buckets<T: Copy>(&mut self, name: &str, point: &HistogramDataPoint<T>, labels: &Labels) {
        let bounds: Vec<f64> = point.bounds().collect();
        let exemplars = self.exemplars.by_bucket(point.attributes(), &bounds);
        let bounds = bounds.into_iter().map(Some).chain([None]);
        let mut cumulative = 0;
        for (i, (bound, count)) in bounds.zip(point.bucket_counts()).enumerate() {
            cumulative += count;
            let exemplar = exemplars.get(i).copied().flatten();
            sample_lines::bucket(self.text, name, labels, bound, cumulative, exemplar);
        }
    }

    /// The labels of a point; none if the family has such a series already.
    fn labels(&mut self, attributes: &mut dyn Iterator<Item = &KeyValue>) -> Option<Labels> {
        let labels = Labels::of_point(self.scope, attributes);
        match &mut self.seen {
            Some(seen) => {
                let is_new = seen.insert(labels.as_str().to_owned());
                *self.left_out |= !is_new;
                is_new.then_some(labels)
            }
            None => Some(labels),
        }
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
