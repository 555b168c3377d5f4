use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::common::{attributes, double, exemplar, grouped, nanos, number, value};
use crate::model::{MetricPoint, MetricValue, Value};

/// Points are cumulative, whatever they were received as.
const CUMULATIVE: u8 = 2;

pub(super) fn request(points: &[MetricPoint]) -> Json {
    let of = |point: &MetricPoint| (point.service.clone(), point.instance.clone());
    let mut sorted: Vec<&MetricPoint> = points.iter().collect();
    sorted.sort_by(|a, b| (of(a), &a.scope, &a.name).cmp(&(of(b), &b.scope, &b.name)));
    let groups = grouped(&sorted, |a, b| of(a) == of(b), |a, b| a.scope == b.scope);
    let resources = groups.into_iter().map(|(of_one, scopes)| {
        let scopes: Vec<Json> = scopes
            .into_iter()
            .map(|points| {
                let scope = points.first().map_or("", |point| &point.scope);
                let metrics: Vec<Json> = points
                    .chunk_by(|a, b| a.name == b.name && kind(a) == kind(b))
                    .map(metric)
                    .collect();
                json!({ "scope": { "name": scope }, "metrics": metrics })
            })
            .collect();
        let resource: Vec<Json> = of_one.first().map_or_else(Vec::new, |point| {
            let text =
                |key: &str, text: &str| json!({ "key": key, "value": value(&Value::from(text)) });
            vec![
                text("service.name", &point.service),
                text("service.instance.id", &point.instance),
            ]
        });
        json!({ "resource": { "attributes": resource }, "scopeMetrics": scopes })
    });
    json!({ "resourceMetrics": resources.collect::<Vec<Json>>() })
}

/// The field of a metric that holds its points, and whether it is monotonic.
fn kind(point: &MetricPoint) -> (&'static str, Option<bool>) {
    match &point.value {
        MetricValue::Gauge { .. } => ("gauge", None),
        MetricValue::Sum { monotonic, .. } => ("sum", Some(*monotonic)),
        MetricValue::Histogram { .. } => ("histogram", None),
        MetricValue::ExponentialHistogram { .. } => ("exponentialHistogram", None),
        MetricValue::Summary { .. } => ("summary", None),
    }
}

fn metric(points: &[&MetricPoint]) -> Json {
    let Some(first) = points.first() else {
        return json!({});
    };
    let (field, monotonic) = kind(first);
    let mut data = Map::new();
    let points: Vec<Json> = points.iter().map(|it| point(it)).collect();
    data.insert("dataPoints".into(), Json::Array(points));
    if field != "gauge" && field != "summary" {
        data.insert("aggregationTemporality".into(), json!(CUMULATIVE));
    }
    if let Some(monotonic) = monotonic {
        data.insert("isMonotonic".into(), json!(monotonic));
    }
    json!({ "name": first.name, "unit": first.unit, "description": first.description, field: data })
}

fn point(point: &MetricPoint) -> Json {
    let mut out = Map::new();
    let mut put = |key: &str, value: Json| {
        if !value.is_null() {
            out.insert(key.to_owned(), value);
        }
    };
    put("attributes", attributes(&point.attributes));
    put("startTimeUnixNano", nanos(point.start_unix_nanos));
    put("timeUnixNano", nanos(point.time_unix_nanos));
    if !point.exemplars.is_empty() {
        put("exemplars", point.exemplars.iter().map(exemplar).collect());
    }
    put_value(&mut put, &point.value);
    Json::Object(out)
}

/// The value of a point, by the type of its metric.
fn put_value(put: &mut impl FnMut(&str, Json), value: &MetricValue) {
    let known = |number: &Option<f64>| number.map_or(Json::Null, double);
    match value {
        MetricValue::Gauge { value } | MetricValue::Sum { value, .. } => {
            let (key, value) = number(*value);
            put(key, value);
        }
        MetricValue::Histogram {
            count,
            sum,
            min,
            max,
            bounds,
            counts,
        } => {
            put("count", nanos(*count));
            put("sum", known(sum));
            put("min", known(min));
            put("max", known(max));
            put(
                "explicitBounds",
                bounds.iter().copied().map(double).collect(),
            );
            put("bucketCounts", counts.iter().copied().map(nanos).collect());
        }
        MetricValue::ExponentialHistogram {
            count,
            sum,
            min,
            max,
            scale,
            zero_count,
            positive,
            negative,
        } => {
            put("count", nanos(*count));
            put("sum", known(sum));
            put("min", known(min));
            put("max", known(max));
            put("scale", json!(scale));
            put("zeroCount", nanos(*zero_count));
            put("positive", buckets(positive));
            put("negative", buckets(negative));
        }
        MetricValue::Summary {
            count,
            sum,
            quantiles,
        } => {
            let pair = |(quantile, value): &(f64, f64)| json!({ "quantile": double(*quantile), "value": double(*value) });
            put("count", nanos(*count));
            put("sum", double(*sum));
            put("quantileValues", quantiles.iter().map(pair).collect());
        }
    }
}

/// Buckets from the first that is not empty to the last. A hostile sender may leave millions empty between them.
fn buckets(buckets: &BTreeMap<i32, u64>) -> Json {
    const MAX_BUCKETS: i64 = 10_000;
    let (Some((first, _)), Some((last, _))) = (buckets.first_key_value(), buckets.last_key_value())
    else {
        return Json::Null;
    };
    let last = i64::from(*last).min(i64::from(*first) + MAX_BUCKETS);
    let counts: Vec<Json> = (i64::from(*first)..=last)
        .filter_map(|index| i32::try_from(index).ok())
        .map(|index| nanos(buckets.get(&index).copied().unwrap_or(0)))
        .collect();
    json!({ "offset": first, "bucketCounts": counts })
}
