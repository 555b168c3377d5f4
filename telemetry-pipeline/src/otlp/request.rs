//! The requests of the three signals: their items, and how one that is too large becomes two.

use std::mem;

use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
        trace::v1::ExportTraceServiceRequest,
    },
    logs::v1::{ResourceLogs, ScopeLogs},
    metrics::v1::{Metric, ResourceMetrics, ScopeMetrics, metric::Data},
    trace::v1::{ResourceSpans, ScopeSpans},
};
use prost::Message;

/// The request of one signal.
pub(crate) trait Request: Message + serde::Serialize + Sized + 'static {
    /// How many items it has.
    fn items(&self) -> usize;

    /// Gives each scope without a schema URL that of its resource: names of both are of the same conventions.
    fn complete_schema_urls(&mut self);

    /// Takes the items out from this one on, into a request with the same resources and scopes. Those without an item
    /// are left out of both.
    fn split_off(&mut self, at: usize) -> Self;

    /// Two requests of half the items each.
    fn halves(mut self) -> (Self, Self) {
        let second = self.split_off(self.items() / 2);
        (self, second)
    }
}

/// One level of a request: something with items, which can be cut at one of them.
trait Items: Sized {
    fn items(&self) -> usize;

    fn split_off(&mut self, at: usize) -> Self;
}

impl<T> Items for Vec<T>
where
    T: Items,
{
    fn items(&self) -> usize {
        self.iter().map(Items::items).sum()
    }

    fn split_off(&mut self, at: usize) -> Self {
        let mut before = at;
        let mut rest = Vec::new();
        for mut part in mem::take(self) {
            let items = part.items();
            if items <= before {
                before -= items;
                self.push(part);
            } else if before == 0 {
                rest.push(part);
            } else {
                rest.push(part.split_off(before));
                before = 0;
                self.push(part);
            }
        }
        rest
    }
}

/// A level whose items are those of one of its fields, and its copy with others of them.
macro_rules! level {
    ($($type:ty { $items:ident }: $count:expr, $split:expr;)*) => {
        $(impl Items for $type {
            fn items(&self) -> usize {
                $count(&self.$items)
            }

            fn split_off(&mut self, at: usize) -> Self {
                // Taken out first, so that only the rest is copied.
                let mut first = mem::take(&mut self.$items);
                let second = $split(&mut first, at);
                let rest = Self { $items: second, ..self.clone() };
                self.$items = first;
                rest
            }
        })*
    };
}

level! {
    ResourceSpans { scope_spans }: Items::items, Items::split_off;
    ScopeSpans { spans }: Vec::len, Vec::split_off;
    ResourceLogs { scope_logs }: Items::items, Items::split_off;
    ScopeLogs { log_records }: Vec::len, Vec::split_off;
    ResourceMetrics { scope_metrics }: Items::items, Items::split_off;
    ScopeMetrics { metrics }: Items::items, Items::split_off;
    Metric { data }: points, split_points;
}

fn points(data: &Option<Data>) -> usize {
    match data {
        Some(Data::Gauge(data)) => data.data_points.len(),
        Some(Data::Sum(data)) => data.data_points.len(),
        Some(Data::Histogram(data)) => data.data_points.len(),
        Some(Data::ExponentialHistogram(data)) => data.data_points.len(),
        Some(Data::Summary(data)) => data.data_points.len(),
        None => 0,
    }
}

fn split_points(data: &mut Option<Data>, at: usize) -> Option<Data> {
    macro_rules! rest {
        ($data:ident) => {{
            let mut first = mem::take(&mut $data.data_points);
            let mut copy = $data.clone();
            copy.data_points = first.split_off(at);
            $data.data_points = first;
            copy
        }};
    }
    Some(match data.as_mut()? {
        Data::Gauge(data) => Data::Gauge(rest!(data)),
        Data::Sum(data) => Data::Sum(rest!(data)),
        Data::Histogram(data) => Data::Histogram(rest!(data)),
        Data::ExponentialHistogram(data) => Data::ExponentialHistogram(rest!(data)),
        Data::Summary(data) => Data::Summary(rest!(data)),
    })
}

macro_rules! request {
    ($($type:ident { $items:ident { $scopes:ident } };)*) => {
        $(impl Request for $type {
            fn items(&self) -> usize {
                Items::items(&self.$items)
            }

            fn complete_schema_urls(&mut self) {
                for resource in &mut self.$items {
                    for scope in &mut resource.$scopes {
                        if scope.schema_url.is_empty() {
                            scope.schema_url.clone_from(&resource.schema_url);
                        }
                    }
                }
            }

            fn split_off(&mut self, at: usize) -> Self {
                Self { $items: Items::split_off(&mut self.$items, at) }
            }
        })*
    };
}

request! {
    ExportTraceServiceRequest { resource_spans { scope_spans } };
    ExportLogsServiceRequest { resource_logs { scope_logs } };
    ExportMetricsServiceRequest { resource_metrics { scope_metrics } };
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::metrics::v1::{Gauge, NumberDataPoint, Sum};
    use proptest::prelude::*;

    use super::*;

    fn points(starts: std::ops::Range<u64>) -> Vec<NumberDataPoint> {
        let point = |time_unix_nano| NumberDataPoint {
            time_unix_nano,
            ..NumberDataPoint::default()
        };
        starts.map(point).collect()
    }

    /// Metrics of so many points, by resource, scope and metric; each point has a number of its own.
    fn request(sizes: &[Vec<Vec<u64>>]) -> ExportMetricsServiceRequest {
        let mut next = 0;
        let mut metric = |points_of_it: &u64| {
            let data_points = points(next..next + points_of_it);
            next += points_of_it;
            Metric {
                name: format!("metric {next}"),
                data: Some(if points_of_it.is_multiple_of(2) {
                    Data::Gauge(Gauge { data_points })
                } else {
                    Data::Sum(Sum {
                        data_points,
                        aggregation_temporality: 2,
                        is_monotonic: true,
                    })
                }),
                ..Metric::default()
            }
        };
        let mut scope = |metrics: &Vec<u64>| ScopeMetrics {
            metrics: metrics.iter().map(&mut metric).collect(),
            ..ScopeMetrics::default()
        };
        let resource = |scopes: &Vec<Vec<u64>>| ResourceMetrics {
            scope_metrics: scopes.iter().map(&mut scope).collect(),
            schema_url: "schema".to_owned(),
            ..ResourceMetrics::default()
        };
        ExportMetricsServiceRequest {
            resource_metrics: sizes.iter().map(resource).collect(),
        }
    }

    /// Each point with its metric.
    fn flat(request: &ExportMetricsServiceRequest) -> Vec<(String, bool, u64)> {
        let mut flat = Vec::new();
        for resource in &request.resource_metrics {
            for metric in resource
                .scope_metrics
                .iter()
                .flat_map(|scope| &scope.metrics)
            {
                let (is_sum, points) = match metric.data.as_ref().unwrap() {
                    Data::Gauge(data) => (false, &data.data_points),
                    Data::Sum(data) => (true, &data.data_points),
                    other => panic!("{other:?}"),
                };
                flat.extend(
                    points
                        .iter()
                        .map(|one| (metric.name.clone(), is_sum, one.time_unix_nano)),
                );
            }
        }
        flat
    }

    proptest! {
        #[test]
        fn halves_have_all_items_once_in_order(
            sizes in prop::collection::vec(prop::collection::vec(prop::collection::vec(0_u64..9, 0..4), 0..4), 0..4),
        ) {
            let whole = request(&sizes);
            let items = whole.items();
            let (first, second) = whole.clone().halves();
            prop_assert_eq!((first.items(), second.items()), (items / 2, items - items / 2));
            let both = [flat(&first), flat(&second)].concat();
            prop_assert_eq!(both, flat(&whole));
        }
    }

    #[test]
    fn a_scope_without_a_schema_url_has_that_of_its_resource() {
        let mut request = request(&[vec![vec![1], vec![1]]]);
        request.resource_metrics[0].scope_metrics[1].schema_url = "own".to_owned();
        request.complete_schema_urls();
        let scopes = &request.resource_metrics[0].scope_metrics;
        assert_eq!(
            (scopes[0].schema_url.as_str(), scopes[1].schema_url.as_str()),
            ("schema", "own")
        );
    }
}
