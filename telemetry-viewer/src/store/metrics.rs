use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::decode_metric::DecodedPoint;
use super::history::History;
use crate::model::{MetricPoint, MetricValue};
use crate::options::Limits;

/// Memory of a series beside its point and its key: its places in the tables.
const OVERHEAD: usize = 128;

/// The newest point of each series, with the series in the order of their last update.
#[derive(Default)]
pub(super) struct SeriesTable {
    series: HashMap<Arc<str>, Entry>,
    order: BTreeMap<u64, Arc<str>>,
    next: u64,
    bytes: usize,
}

/// A series as readers share it.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// Its newest point.
    pub(crate) point: Arc<MetricPoint>,
    /// Earlier points, with the newest.
    pub(crate) history: Arc<History>,
    key: Arc<str>,
}

#[cfg(test)]
impl Series {
    /// A series of one point.
    pub(crate) fn of(point: MetricPoint) -> Self {
        let mut history = History::default();
        history.push(&point);
        Self {
            key: series_key(&point).into(),
            point: Arc::new(point),
            history: Arc::new(history),
        }
    }

    /// Adds a later point.
    pub(crate) fn add(&mut self, point: &MetricPoint) {
        Arc::make_mut(&mut self.history).push(point);
        self.point = Arc::new(point.clone());
    }
}

struct Entry {
    series: Series,
    updated: u64,
    size: usize,
    /// Start and end of the last delta, by which a repeated export is recognised.
    last_delta: Option<(u64, u64)>,
}

impl SeriesTable {
    /// Adds a point; false if it alone exceeds half of the byte limit.
    pub(super) fn insert(&mut self, new: DecodedPoint, limits: &Limits) -> bool {
        let DecodedPoint { mut point, delta } = new;
        let interval = (point.start_unix_nanos, point.time_unix_nanos);
        let key: Arc<str> = series_key(&point).into();
        if point.size() + key.len() + OVERHEAD > limits.max_bytes / 2 {
            return false;
        }
        let mut history = Arc::default();
        if let Some(known) = self.series.get(&key) {
            let before = &known.series.point;
            let repeated = delta && interval.1 != 0 && known.last_delta == Some(interval);
            let outdated = !delta && point.time_unix_nanos < before.time_unix_nanos;
            if repeated || outdated {
                return true;
            }
            if delta {
                accumulate(&mut point, before);
            }
            if point.exemplars.is_empty() {
                point.exemplars.clone_from(&before.exemplars);
            }
            history = self.remove(&key).unwrap_or_default();
        }
        Arc::make_mut(&mut history).push(&point);
        let size = point.size() + history.size() + key.len() + OVERHEAD;
        self.bytes += size;
        self.order.insert(self.next, Arc::clone(&key));
        let entry = Entry {
            series: Series {
                point: Arc::new(point),
                history,
                key: Arc::clone(&key),
            },
            updated: self.next,
            size,
            last_delta: delta.then_some(interval),
        };
        self.series.insert(key, entry);
        self.next += 1;
        true
    }

    /// Drops the series whose last update is longest ago; false if there is none.
    pub(super) fn evict_oldest(&mut self) -> bool {
        let Some(key) = self.order.values().next().cloned() else {
            return false;
        };
        self.remove(&key);
        true
    }

    /// All series, in no order.
    pub(super) fn snapshot(&self) -> Vec<Series> {
        self.series
            .values()
            .map(|entry| entry.series.clone())
            .collect()
    }

    pub(super) fn len(&self) -> usize {
        self.series.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn remove(&mut self, key: &Arc<str>) -> Option<Arc<History>> {
        let entry = self.series.remove(key)?;
        self.order.remove(&entry.updated);
        self.bytes -= entry.size;
        Some(entry.series.history)
    }
}

/// Orders series by metric name, service, instance and attributes.
pub(super) fn sort(series: &mut [Series]) {
    series.sort_by(|a, b| {
        let names = a.point.name.cmp(&b.point.name);
        names
            .then_with(|| a.point.service.cmp(&b.point.service))
            .then_with(|| a.point.instance.cmp(&b.point.instance))
            .then_with(|| a.key.cmp(&b.key))
    });
}

/// The parts that make two points one series, whatever the order of their attributes.
fn series_key(point: &MetricPoint) -> String {
    let mut attributes: Vec<_> = point.attributes.iter().collect();
    attributes.sort_by(|a, b| a.0.cmp(&b.0));
    // Debug quotes and escapes every part and tells types apart, so no two series can collide.
    format!(
        "{:?} {:?} {:?} {:?} {attributes:?}",
        point.name, point.service, point.instance, point.scope
    )
}

/// Adds what was counted before to a delta point. A point of another shape starts afresh.
fn accumulate(new: &mut MetricPoint, known: &MetricPoint) {
    let same_shape = match (&mut new.value, &known.value) {
        (MetricValue::Sum { value, .. }, MetricValue::Sum { value: before, .. }) => {
            *value = before.plus(*value);
            true
        }
        (
            MetricValue::Histogram {
                count,
                sum,
                min,
                max,
                bounds,
                counts,
            },
            MetricValue::Histogram {
                count: count_before,
                sum: sum_before,
                min: min_before,
                max: max_before,
                bounds: bounds_before,
                counts: counts_before,
            },
        ) if bounds == bounds_before && counts.len() == counts_before.len() => {
            *count = count.saturating_add(*count_before);
            *sum = combine(*sum, *sum_before, |a, b| a + b);
            *min = combine(*min, *min_before, f64::min);
            *max = combine(*max, *max_before, f64::max);
            for (new, before) in counts.iter_mut().zip(counts_before) {
                *new = new.saturating_add(*before);
            }
            true
        }
        (
            new @ MetricValue::ExponentialHistogram { .. },
            known @ MetricValue::ExponentialHistogram { .. },
        ) => add_exponential(new, known),
        _ => false,
    };
    if same_shape {
        new.start_unix_nanos = known.start_unix_nanos;
        new.time_unix_nanos = new.time_unix_nanos.max(known.time_unix_nanos);
    }
}

/// Adds the exponential histogram that was counted before. Returns false if one of the two is no such histogram.
fn add_exponential(new: &mut MetricValue, known: &MetricValue) -> bool {
    let (
        MetricValue::ExponentialHistogram {
            count,
            sum,
            min,
            max,
            scale,
            zero_count,
            positive,
            negative,
        },
        MetricValue::ExponentialHistogram {
            count: count_before,
            sum: sum_before,
            min: min_before,
            max: max_before,
            scale: scale_before,
            zero_count: zero_before,
            positive: positive_before,
            negative: negative_before,
        },
    ) = (new, known)
    else {
        return false;
    };
    *count = count.saturating_add(*count_before);
    *sum = combine(*sum, *sum_before, |a, b| a + b);
    *min = combine(*min, *min_before, f64::min);
    *max = combine(*max, *max_before, f64::max);
    *zero_count = zero_count.saturating_add(*zero_before);
    let coarser = (*scale).min(*scale_before);
    for (new, before) in [(positive, positive_before), (negative, negative_before)] {
        let mut merged = BTreeMap::new();
        add_rescaled(&mut merged, new, *scale, coarser);
        add_rescaled(&mut merged, before, *scale_before, coarser);
        *new = merged;
    }
    *scale = coarser;
    true
}

fn combine(a: Option<f64>, b: Option<f64>, with: fn(f64, f64) -> f64) -> Option<f64> {
    Some(with(a?, b?))
}

/// Adds buckets of one scale to buckets of a coarser one: a step of scale halves the index.
fn add_rescaled(into: &mut BTreeMap<i32, u64>, from: &BTreeMap<i32, u64>, scale: i32, to: i32) {
    let shift = scale.saturating_sub(to).clamp(0, 31);
    for (index, count) in from {
        let sum: &mut u64 = into.entry(index >> shift).or_default();
        *sum = sum.saturating_add(*count);
    }
}
