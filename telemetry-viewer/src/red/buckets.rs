use std::collections::BTreeMap;

use crate::model::MetricValue;

/// Buckets of several histograms, added up.
#[derive(Clone, Debug, Default)]
pub(super) struct Distribution {
    /// Lower bound and count of each bucket, by the bits of its upper bound: these order like the
    /// bounds themselves, as no duration is negative.
    buckets: BTreeMap<u64, (f64, u64)>,
    min: Option<f64>,
    max: Option<f64>,
    /// Whether the smallest or the largest measurement of a histogram is not known.
    unknown_min: bool,
    unknown_max: bool,
}

impl Distribution {
    /// Adds a histogram and returns how many measurements it says it has.
    pub(super) fn add(&mut self, value: &MetricValue) -> u64 {
        let (count, min, max) = match value {
            MetricValue::Histogram {
                count,
                min,
                max,
                bounds,
                counts,
                ..
            } => {
                let uppers = bounds.iter().copied().chain([f64::INFINITY]);
                let lowers = [0.0].into_iter().chain(bounds.iter().copied());
                for ((lower, upper), count) in lowers.zip(uppers).zip(counts) {
                    self.add_bucket(lower, upper, *count);
                }
                (*count, *min, *max)
            }
            MetricValue::ExponentialHistogram {
                count,
                min,
                max,
                scale,
                zero_count,
                positive,
                ..
            } => {
                self.add_bucket(0.0, 0.0, *zero_count);
                let width = (-f64::from(*scale)).exp2();
                for (index, count) in positive {
                    let bound = |index: f64| (index * width).exp2();
                    let index = f64::from(*index);
                    self.add_bucket(bound(index), bound(index + 1.0), *count);
                }
                (*count, *min, *max)
            }
            _ => return 0,
        };
        if count > 0 {
            self.unknown_min |= min.is_none();
            self.min = self.min.into_iter().chain(min).reduce(f64::min);
            self.unknown_max |= max.is_none();
            self.max = self.max.into_iter().chain(max).reduce(f64::max);
        }
        count
    }

    fn add_bucket(&mut self, lower: f64, upper: f64, count: u64) {
        let upper = upper.max(0.0);
        let (_, sum) = self
            .buckets
            .entry(upper.to_bits())
            .or_insert((lower.clamp(0.0, upper), 0));
        *sum = sum.saturating_add(count);
    }

    /// The value below which that share of the measurements lies, assuming that they are spread
    /// evenly within a bucket, of which nothing lies below the smallest or above the largest
    /// measurement. Without a largest one the last bucket counts as its lower bound.
    pub(super) fn quantile(&self, share: f64) -> Option<f64> {
        let min = self.min.filter(|min| !self.unknown_min && *min >= 0.0);
        let max = self.max.filter(|max| !self.unknown_max && max.is_finite());
        let total: f64 = self.buckets.values().map(|(_, count)| *count as f64).sum();
        if total == 0.0 {
            return None;
        }
        let rank = share * total;
        let mut below = 0.0;
        let mut result = None;
        for (upper, (lower, count)) in &self.buckets {
            let (upper, count) = (f64::from_bits(*upper), *count as f64);
            if count == 0.0 {
                continue;
            }
            let lower = min.map_or(*lower, |min| lower.max(min).min(upper));
            let upper = match max {
                Some(max) => upper.min(max).max(lower),
                None if upper.is_finite() => upper,
                None => lower,
            };
            result = Some(lower + (upper - lower) * ((rank - below) / count).clamp(0.0, 1.0));
            below += count;
            if below >= rank {
                break;
            }
        }
        result
    }
}
