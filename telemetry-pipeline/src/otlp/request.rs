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
    ($($type:ident { $items:ident };)*) => {
        $(impl Request for $type {
            fn items(&self) -> usize {
                Items::items(&self.$items)
            }

            fn split_off(&mut self, at: usize) -> Self {
                Self { $items: Items::split_off(&mut self.$items, at) }
            }
        })*
    };
}

request! {
    ExportTraceServiceRequest { resource_spans };
    ExportLogsServiceRequest { resource_logs };
    ExportMetricsServiceRequest { resource_metrics };
}
