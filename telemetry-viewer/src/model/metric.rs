use std::collections::BTreeMap;

use serde::Serialize;

use super::{Attributes, SpanId, TraceId, Value, attribute, attributes_as_map, heap_size};

/// The newest point of one series. A sum or histogram counts since `start_unix_nanos`, whether the
/// sender exports cumulative or delta points.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricPoint {
    /// `service.name` of the resource; empty if the sender gave none.
    pub service: String,
    /// `service.instance.id` of the resource; empty if the sender gave none.
    pub instance: String,
    /// The instrumentation scope that recorded it.
    pub scope: String,
    /// Name of the metric.
    pub name: String,
    /// Its unit, such as `s` or `{request}`.
    pub unit: String,
    /// A sentence about it; empty if the sender gave none.
    pub description: String,
    /// The attributes that make this series.
    #[serde(serialize_with = "attributes_as_map")]
    pub attributes: Attributes,
    /// Since when it counts, in nanoseconds since the Unix epoch; 0 if unknown.
    pub start_unix_nanos: u64,
    /// When it was read, in nanoseconds since the Unix epoch.
    pub time_unix_nanos: u64,
    /// What was measured.
    pub value: MetricValue,
    /// Measurements that lead to a trace.
    pub exemplars: Vec<Exemplar>,
}

/// What a metric point holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum MetricValue {
    /// The latest value of something that is sampled.
    Gauge {
        /// The value.
        value: Number,
    },
    /// A total.
    Sum {
        /// The total since the start.
        value: Number,
        /// Whether it can only grow: a counter, not an up-down counter.
        monotonic: bool,
    },
    /// A distribution over explicit buckets.
    Histogram {
        /// Number of measurements.
        count: u64,
        /// Their sum, if it is meaningful.
        sum: Option<f64>,
        /// The smallest measurement, if known.
        min: Option<f64>,
        /// The largest measurement, if known.
        max: Option<f64>,
        /// Upper bounds of the buckets, inclusive and ascending, without the last, which is +Inf.
        bounds: Vec<f64>,
        /// Measurements in each bucket; one more than bounds, or none at all.
        counts: Vec<u64>,
    },
    /// A distribution over buckets of exponentially growing width.
    ExponentialHistogram {
        /// Number of measurements.
        count: u64,
        /// Their sum, if it is meaningful.
        sum: Option<f64>,
        /// The smallest measurement, if known.
        min: Option<f64>,
        /// The largest measurement, if known.
        max: Option<f64>,
        /// Resolution: bucket `i` holds what is above `b^i` and at most `b^(i+1)`, where `b` is
        /// 2 to the power of 2 to the power of `-scale`.
        scale: i32,
        /// Measurements that are zero.
        zero_count: u64,
        /// Measurements in each positive bucket that is not empty.
        positive: BTreeMap<i32, u64>,
        /// Measurements in each negative bucket that is not empty.
        negative: BTreeMap<i32, u64>,
    },
    /// Quantiles computed by the sender.
    Summary {
        /// Number of measurements.
        count: u64,
        /// Their sum.
        sum: f64,
        /// Pairs of quantile (0 to 1) and value.
        quantiles: Vec<(f64, f64)>,
    },
}

/// A measured number, with the type it was recorded in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Number {
    /// A 64-bit integer.
    Int(i64),
    /// A 64-bit float.
    Double(f64),
}

/// One measurement with the trace it was made in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exemplar {
    /// The measured value.
    pub value: Number,
    /// When, in nanoseconds since the Unix epoch.
    pub time_unix_nanos: u64,
    /// The trace it was made in.
    pub trace_id: Option<TraceId>,
    /// The span it was made in.
    pub span_id: Option<SpanId>,
    /// Attributes of the measurement that are not attributes of the series.
    #[serde(serialize_with = "attributes_as_map")]
    pub attributes: Attributes,
}

impl MetricPoint {
    /// The first attribute of that key.
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        attribute(&self.attributes, key)
    }

    /// What the point occupies in memory, in bytes.
    pub(crate) fn size(&self) -> usize {
        let exemplars: usize = self
            .exemplars
            .iter()
            .map(|exemplar| size_of::<Exemplar>() + heap_size(&exemplar.attributes))
            .sum();
        size_of::<Self>()
            + self.service.len()
            + self.instance.len()
            + self.scope.len()
            + self.name.len()
            + self.unit.len()
            + self.description.len()
            + heap_size(&self.attributes)
            + self.value.heap_size()
            + exemplars
    }
}

impl MetricValue {
    fn heap_size(&self) -> usize {
        // An entry of a B-tree costs its key and value, and about as much again for the nodes.
        const TREE_ENTRY: usize = 2 * size_of::<(i32, u64)>();
        match self {
            Self::Gauge { .. } | Self::Sum { .. } => 0,
            Self::Histogram { bounds, counts, .. } => 8 * (bounds.len() + counts.len()),
            Self::ExponentialHistogram {
                positive, negative, ..
            } => TREE_ENTRY * (positive.len() + negative.len()),
            Self::Summary { quantiles, .. } => 16 * quantiles.len(),
        }
    }
}

impl Number {
    /// The number as a float; large integers are rounded.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(number) => number as f64,
            Self::Double(number) => number,
        }
    }

    /// The sum; integers stay integers and stop at the ends of their range.
    pub(crate) fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Self::Int(a.saturating_add(b)),
            (a, b) => Self::Double(a.as_f64() + b.as_f64()),
        }
    }
}
