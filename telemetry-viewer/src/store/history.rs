use std::collections::VecDeque;

use crate::model::{Exemplar, MetricPoint, MetricValue, heap_size};

/// Points of a series kept beside the newest one. When there are more, every second of the older half goes, so
/// that a long run stays visible as a whole.
const MAX_SAMPLES: usize = 120;
/// Exemplars of a series kept, the newest.
const MAX_EXEMPLARS: usize = 30;

/// How a series developed.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) samples: VecDeque<Sample>,
    pub(crate) exemplars: VecDeque<Exemplar>,
}

/// A point of the past.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    /// Since when it counts; another start than before is a restart.
    pub(crate) start_unix_nanos: u64,
    pub(crate) time_unix_nanos: u64,
    /// The value of a gauge or sum, the number of measurements of a distribution.
    pub(crate) value: f64,
    /// The sum of the measurements of a distribution.
    pub(crate) sum: f64,
    /// Measurements by explicit bucket; empty for everything else.
    pub(crate) buckets: Box<[u64]>,
}

impl History {
    pub(super) fn push(&mut self, point: &MetricPoint) {
        for exemplar in &point.exemplars {
            if !self.exemplars.contains(exemplar) {
                self.exemplars.push_back(exemplar.clone());
            }
        }
        while self.exemplars.len() > MAX_EXEMPLARS {
            self.exemplars.pop_front();
        }
        let sample = Sample::of(point);
        match self.samples.back_mut() {
            // A point of the same moment is a correction.
            Some(last) if last.time_unix_nanos == sample.time_unix_nanos => *last = sample,
            _ => self.samples.push_back(sample),
        }
        if self.samples.len() > MAX_SAMPLES {
            let mut index = 0;
            self.samples.retain(|_| {
                index += 1;
                index > MAX_SAMPLES / 2 || index % 2 == 1
            });
        }
    }

    /// What the history occupies in memory, in bytes.
    pub(super) fn size(&self) -> usize {
        let samples: usize = self
            .samples
            .iter()
            .map(|sample| size_of::<Sample>() + 8 * sample.buckets.len())
            .sum();
        let exemplars: usize = self
            .exemplars
            .iter()
            .map(|exemplar| size_of::<Exemplar>() + heap_size(&exemplar.attributes))
            .sum();
        samples + exemplars
    }
}

impl Sample {
    fn of(point: &MetricPoint) -> Self {
        let (value, sum, buckets): (f64, f64, &[u64]) = match &point.value {
            MetricValue::Gauge { value } | MetricValue::Sum { value, .. } => {
                (value.as_f64(), 0.0, &[])
            }
            MetricValue::Histogram {
                count, sum, counts, ..
            } => (*count as f64, sum.unwrap_or(0.0), counts),
            MetricValue::ExponentialHistogram { count, sum, .. } => {
                (*count as f64, sum.unwrap_or(0.0), &[])
            }
            MetricValue::Summary { count, sum, .. } => (*count as f64, *sum, &[]),
        };
        Self {
            start_unix_nanos: point.start_unix_nanos,
            time_unix_nanos: point.time_unix_nanos,
            value,
            sum,
            buckets: buckets.into(),
        }
    }
}
