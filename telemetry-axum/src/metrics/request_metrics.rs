//! The instruments of HTTP requests, and their groups.

use std::{
    borrow::Cow,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use opentelemetry::{KeyValue, metrics::Meter};
use telemetry_api::instrument::{
    Providers,
    duration::{DurationHistogram, overflow},
    series::{Series, SeriesCache, ToKey},
};
use telemetry_semconv::http::{DURATION_BOUNDS, SERVER_REQUEST_DURATION};

use super::{
    active_requests::ActiveRequests,
    body_sizes::BodySizes,
    request_group::RequestGroup,
    request_series::{self, EndLabels, OverflowLabels, RequestSeries, StartLabels},
};

/// The most series of `http.server.request.duration` that have all their labels. Further requests of a route share the
/// overflow series of that route.
const MAX_SERIES: usize = 1500;

/// The most overflow series. There is one for each route and `error.type`, so that a caller who uses up all series does
/// not hide the traffic of a route. Together with [`MAX_SERIES`] they are fewer than the 2000 at which the SDK itself
/// would merge series.
const MAX_OVERFLOW_SERIES: usize = 400;

/// The most groups that are kept; further ones are made for each request. A program has one for each method, route and
/// known server. Callers cannot add more, so this limit matters only for routers that are made at run time.
const MAX_GROUPS: usize = 16_384;

const METHOD_NOT_ALLOWED: u16 = 405;

/// The instruments of HTTP requests.
#[derive(Debug)]
pub(crate) struct RequestMetrics {
    pub(crate) sizes: BodySizes,
    duration: DurationHistogram,
    active: ActiveRequests,
    groups: SeriesCache<StartLabels<Cow<'static, str>>, Option<Arc<RequestGroup>>>,
    /// The number of series with all their labels.
    bound: AtomicUsize,
    overflow: SeriesCache<OverflowLabels, Arc<RequestSeries>>,
}

impl RequestMetrics {
    pub(crate) fn new(providers: &Providers, meter: &Meter) -> Self {
        let metrics = Self::with_limit(providers, meter, MAX_GROUPS);
        metrics.active.register(meter);
        metrics
    }

    fn with_limit(providers: &Providers, meter: &Meter, max_groups: usize) -> Self {
        Self {
            sizes: BodySizes::new(meter.clone()),
            duration: providers.duration_histogram(
                meter,
                SERVER_REQUEST_DURATION,
                "Duration of HTTP server requests.",
                &DURATION_BOUNDS,
            ),
            active: ActiveRequests::default(),
            groups: SeriesCache::new(max_groups),
            bound: AtomicUsize::new(0),
            overflow: SeriesCache::new(MAX_OVERFLOW_SERIES),
        }
    }

    /// The group of the requests with these labels.
    pub(crate) fn group(&self, labels: &StartLabels<&str>) -> Arc<RequestGroup> {
        let kept = self.groups.get(labels, |series| match series {
            Series::Of(labels) => Some(Arc::new(RequestGroup::kept(labels.to_key(), &self.active))),
            Series::Overflow => None,
        });
        kept.unwrap_or_else(|| {
            let labels = StartLabels {
                method: labels.method,
                route: labels.route.map(|route| route.to_owned().into()),
                known_server: labels.known_server,
            };
            Arc::new(RequestGroup::new(labels, &self.active))
        })
    }

    /// The series of a request of this group that has ended with these labels.
    pub(crate) fn series(&self, group: &RequestGroup, end: EndLabels) -> Arc<RequestSeries> {
        // The router has the route but not the method. Callers choose that method, so it must not multiply the series of
        // every route.
        if end.status == Some(METHOD_NOT_ALLOWED) && group.labels.route.is_some() {
            let unrouted = self.group(&StartLabels {
                route: None,
                ..group.labels.borrowed()
            });
            return self.series(&unrouted, end);
        }
        group.series(end, |series| match series {
            Series::Of(_) if group.is_kept() && self.reserve() => {
                self.bind(request_series::attributes(&group.labels, end))
            }
            Series::Of(_) | Series::Overflow => self.overflow(group, end),
        })
    }

    /// Counts one series more, unless there are [`MAX_SERIES`] already.
    fn reserve(&self) -> bool {
        self.bound
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bound| {
                (bound < MAX_SERIES).then_some(bound + 1)
            })
            .is_ok()
    }

    fn overflow(&self, group: &RequestGroup, end: EndLabels) -> Arc<RequestSeries> {
        let labels = OverflowLabels {
            route: group.labels.route.as_deref().map(Arc::from),
            error: end.error,
        };
        self.overflow.get(&labels, |series| {
            self.bind(match series {
                Series::Of(labels) => labels.attributes(),
                Series::Overflow => overflow(),
            })
        })
    }

    fn bind(&self, attributes: Vec<KeyValue>) -> Arc<RequestSeries> {
        Arc::new(RequestSeries {
            duration: self.duration.bind(&attributes),
            attributes,
            sizes: OnceLock::new(),
        })
    }
}

#[cfg(test)]
mod tests;
