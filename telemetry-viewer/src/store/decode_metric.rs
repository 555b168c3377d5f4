//! OTLP metric points as plain types.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1 as otlp;
use otlp::exponential_histogram_data_point::Buckets;
use otlp::metric::Data;
use otlp::{AggregationTemporality, DataPointFlags};

use super::decode::{MAX_NAME_CHARS, attributes, resource_attributes, scope_name, text_attribute};
use crate::model::{Exemplar, MetricPoint, MetricValue, Number, SpanId, TraceId};
use crate::text::shortened;

/// A point and whether it counts only since the point before it.
pub(super) struct DecodedPoint {
    pub(super) point: MetricPoint,
    pub(super) delta: bool,
}

/// What the points of one metric have in common.
struct Family<'a> {
    service: &'a str,
    instance: &'a str,
    scope: &'a str,
    name: String,
    unit: String,
    description: String,
    delta: bool,
}

/// What every kind of point has beside its value.
struct Head {
    attributes: Vec<KeyValue>,
    start: u64,
    time: u64,
    flags: u32,
    exemplars: Vec<otlp::Exemplar>,
}

/// Hands each point of a request to `take`, and returns how many could not be read.
pub(super) fn points(
    request: ExportMetricsServiceRequest,
    mut take: impl FnMut(DecodedPoint),
) -> u64 {
    let mut malformed = 0;
    for group in request.resource_metrics {
        let resource = resource_attributes(group.resource);
        let service = text_attribute(&resource, "service.name");
        let instance = text_attribute(&resource, "service.instance.id");
        for scoped in group.scope_metrics {
            let scope = scope_name(scoped.scope);
            for metric in scoped.metrics {
                let Some(data) = metric.data else { continue };
                let family = Family {
                    service: &service,
                    instance: &instance,
                    scope: &scope,
                    name: shortened(&metric.name, MAX_NAME_CHARS),
                    unit: shortened(&metric.unit, MAX_NAME_CHARS),
                    description: shortened(&metric.description, MAX_NAME_CHARS),
                    delta: is_delta(&data),
                };
                malformed += family.read(data, &mut take);
            }
        }
    }
    malformed
}

impl Family<'_> {
    /// Hands the points to `take`, and returns how many make no sense.
    fn read(&self, data: Data, take: &mut impl FnMut(DecodedPoint)) -> u64 {
        let mut push = |(head, value)| u64::from(!self.push(head, value, take));
        match data {
            Data::Gauge(gauge) => {
                let value = |value| MetricValue::Gauge { value };
                let points = gauge.data_points.into_iter().map(number_point);
                points.map(|(head, it)| push((head, it.map(value)))).sum()
            }
            Data::Sum(sum) => {
                let monotonic = sum.is_monotonic;
                let value = |value| MetricValue::Sum { value, monotonic };
                let points = sum.data_points.into_iter().map(number_point);
                points.map(|(head, it)| push((head, it.map(value)))).sum()
            }
            Data::Histogram(histogram) => {
                let points = histogram.data_points.into_iter();
                points.map(|point| push(histogram_point(point))).sum()
            }
            Data::ExponentialHistogram(histogram) => {
                let points = histogram.data_points.into_iter();
                points.map(|point| push(exponential_point(point))).sum()
            }
            Data::Summary(summary) => {
                let points = summary.data_points.into_iter();
                points.map(|point| push(summary_point(point))).sum()
            }
        }
    }

    /// False if the point has no value that makes sense.
    fn push(
        &self,
        head: Head,
        value: Option<MetricValue>,
        take: &mut impl FnMut(DecodedPoint),
    ) -> bool {
        // Such a point says only that the series has ended; the last value stays worth seeing.
        if head.flags & DataPointFlags::NoRecordedValueMask as u32 != 0 {
            return true;
        }
        let Some(value) = value else { return false };
        let point = MetricPoint {
            service: self.service.to_owned(),
            instance: self.instance.to_owned(),
            scope: self.scope.to_owned(),
            name: self.name.clone(),
            unit: self.unit.clone(),
            description: self.description.clone(),
            attributes: attributes(head.attributes),
            start_unix_nanos: head.start,
            time_unix_nanos: head.time,
            value,
            exemplars: head.exemplars.into_iter().filter_map(exemplar).collect(),
        };
        take(DecodedPoint {
            point,
            delta: self.delta,
        });
        true
    }
}

fn is_delta(data: &Data) -> bool {
    let temporality = match data {
        Data::Sum(sum) => sum.aggregation_temporality,
        Data::Histogram(histogram) => histogram.aggregation_temporality,
        Data::ExponentialHistogram(histogram) => histogram.aggregation_temporality,
        Data::Gauge(_) | Data::Summary(_) => return false,
    };
    temporality == AggregationTemporality::Delta as i32
}

fn number_point(point: otlp::NumberDataPoint) -> (Head, Option<Number>) {
    let value = point.value.map(|value| match value {
        otlp::number_data_point::Value::AsDouble(number) => Number::Double(number),
        otlp::number_data_point::Value::AsInt(number) => Number::Int(number),
    });
    let head = Head {
        attributes: point.attributes,
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        flags: point.flags,
        exemplars: point.exemplars,
    };
    (head, value)
}

fn histogram_point(point: otlp::HistogramDataPoint) -> (Head, Option<MetricValue>) {
    let ascending = point.explicit_bounds.is_sorted_by(|a, b| a < b)
        && !point.explicit_bounds.iter().any(|bound| bound.is_nan());
    let matching = point.bucket_counts.len() == point.explicit_bounds.len() + 1
        || (point.bucket_counts.is_empty() && point.explicit_bounds.is_empty());
    let value = (ascending && matching).then_some(MetricValue::Histogram {
        count: point.count,
        sum: point.sum,
        min: point.min,
        max: point.max,
        bounds: point.explicit_bounds,
        counts: point.bucket_counts,
    });
    let head = Head {
        attributes: point.attributes,
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        flags: point.flags,
        exemplars: point.exemplars,
    };
    (head, value)
}

fn exponential_point(point: otlp::ExponentialHistogramDataPoint) -> (Head, Option<MetricValue>) {
    let value = MetricValue::ExponentialHistogram {
        count: point.count,
        sum: point.sum,
        min: point.min,
        max: point.max,
        scale: point.scale,
        zero_count: point.zero_count,
        positive: buckets(point.positive),
        negative: buckets(point.negative),
    };
    let head = Head {
        attributes: point.attributes,
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        flags: point.flags,
        exemplars: point.exemplars,
    };
    (head, Some(value))
}

fn buckets(buckets: Option<Buckets>) -> BTreeMap<i32, u64> {
    let Buckets {
        offset,
        bucket_counts,
    } = buckets.unwrap_or_default();
    (offset..=i32::MAX)
        .zip(bucket_counts)
        .filter(|(_, count)| *count > 0)
        .collect()
}

fn summary_point(point: otlp::SummaryDataPoint) -> (Head, Option<MetricValue>) {
    let value = MetricValue::Summary {
        count: point.count,
        sum: point.sum,
        quantiles: point
            .quantile_values
            .iter()
            .map(|pair| (pair.quantile, pair.value))
            .collect(),
    };
    let head = Head {
        attributes: point.attributes,
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        flags: point.flags,
        exemplars: Vec::new(),
    };
    (head, Some(value))
}

fn exemplar(raw: otlp::Exemplar) -> Option<Exemplar> {
    let value = match raw.value? {
        otlp::exemplar::Value::AsDouble(number) => Number::Double(number),
        otlp::exemplar::Value::AsInt(number) => Number::Int(number),
    };
    Some(Exemplar {
        value,
        time_unix_nanos: raw.time_unix_nano,
        trace_id: TraceId::from_bytes(&raw.trace_id),
        span_id: SpanId::from_bytes(&raw.span_id),
        attributes: attributes(raw.filtered_attributes),
    })
}
