//! The number of requests under way, by server address, method and template.

use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::{KeyValue, metrics::Meter};
use telemetry_api::instrument::{
    duration::{ActiveCount, ActiveGuard, overflow},
    series::{Series, SeriesCache},
};
use telemetry_semconv::http::{
    CLIENT_ACTIVE_REQUESTS,
    attribute::{HTTP_REQUEST_METHOD, URL_TEMPLATE},
};

use super::limits::MAX_SERIES;
use super::server_address::ServerAddress;

/// The labels of a request under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ActiveRequestLabels {
    pub(crate) address: ServerAddress,
    pub(crate) method: &'static str,
    pub(crate) template: Option<&'static str>,
}

impl ActiveRequestLabels {
    fn attributes(&self) -> Vec<KeyValue> {
        let template = self.template;
        let mut attributes = vec![KeyValue::new(HTTP_REQUEST_METHOD, self.method)];
        self.address.push_to(&mut attributes);
        attributes.extend(template.map(|template| KeyValue::new(URL_TEMPLATE, template)));
        attributes
    }
}

/// Each series with its count, for the meter to read.
type Observed = Arc<Mutex<Vec<(Vec<KeyValue>, ActiveCount)>>>;

#[derive(Debug)]
pub(super) struct ActiveRequests {
    counts: SeriesCache<ActiveRequestLabels, ActiveCount>,
    observed: Observed,
}

impl ActiveRequests {
    pub(super) fn new(meter: &Meter) -> Self {
        let observed = Observed::default();
        let read = observed.clone();
        // The meter keeps the callback, so the instrument itself is not needed.
        let _ = meter
            .i64_observable_up_down_counter(CLIENT_ACTIVE_REQUESTS)
            .with_description("Number of active HTTP requests.")
            .with_unit("{request}")
            .with_callback(move |observer| {
                let series = read.lock().unwrap_or_else(PoisonError::into_inner);
                for (attributes, count) in series.iter() {
                    observer.observe(count.get(), attributes);
                }
            })
            .build();
        Self {
            counts: SeriesCache::new(MAX_SERIES),
            observed,
        }
    }

    /// Counts a request until the guard is dropped.
    pub(super) fn enter(&self, labels: &ActiveRequestLabels) -> ActiveGuard {
        let count = self.counts.get(labels, |series| {
            let attributes = match series {
                Series::Of(labels) => labels.attributes(),
                Series::Overflow => overflow(),
            };
            let count = ActiveCount::default();
            let mut observed = self.observed.lock().unwrap_or_else(PoisonError::into_inner);
            observed.push((attributes, count.clone()));
            count
        });
        count.enter()
    }
}
