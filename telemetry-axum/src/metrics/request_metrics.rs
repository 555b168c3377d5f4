//! The server's instruments, with a handle for each set of labels.

use std::{
    hash::Hash,
    sync::{Arc, OnceLock},
};

use http::Version;
use opentelemetry::{
    InstrumentationScope, KeyValue, StringValue,
    metrics::{BoundHistogram, Histogram, Meter},
};
use telemetry_core::{
    Providers,
    metrics::{BoundDuration, DurationHistogram, overflow},
    propagation::Propagation,
    semconv_http::{
        self, Authority, BODY_SIZE_BOUNDS, DURATION_BOUNDS, SERVER_ACTIVE_REQUESTS,
        SERVER_REQUEST_BODY_SIZE, SERVER_REQUEST_DURATION, SERVER_RESPONSE_BODY_SIZE,
        attribute::{
            ERROR_TYPE, HTTP_REQUEST_METHOD, HTTP_RESPONSE_STATUS_CODE, HTTP_ROUTE,
            NETWORK_PROTOCOL_VERSION, URL_SCHEME,
        },
    },
    series::{Series, SeriesCache, ToKey},
    tracer::Tracer,
};

use crate::{active::ActiveRequests, endpoint::Endpoints, guard::Outcome, known_servers};

/// Routes times methods times statuses times listed hosts of a service; what goes beyond shares a series with the others of its route.
const MAX_SERIES: usize = 1500;

/// Routes that keep a series for what goes beyond, so that nobody takes a route's place by asking for others in every
/// way there is. Together below the SDK's own limit of 2000, so that ours is the one that decides.
const MAX_ROUTE_SERIES: usize = 400;

/// Everything a request is recorded with.
#[derive(Debug)]
pub(crate) struct ServerInstruments {
    pub(crate) tracer: Tracer,
    pub(crate) propagation: Propagation,
    pub(crate) endpoints: Endpoints,
    duration: DurationHistogram,
    series: SeriesCache<Labels<Arc<str>>, Option<Arc<RequestSeries>>>,
    beyond: SeriesCache<Beyond<Arc<str>>, Arc<RequestSeries>>,
    meter: Meter,
    sizes: OnceLock<BodySizes>,
}

/// The instruments of body sizes, made when a layer first asks for them.
#[derive(Debug)]
struct BodySizes {
    request: Histogram<u64>,
    response: Histogram<u64>,
}

/// The handles of one label set.
#[derive(Debug)]
pub(crate) struct RequestSeries {
    pub(crate) duration: BoundDuration,
    attributes: Vec<KeyValue>,
    sizes: OnceLock<[BoundHistogram<u64>; 2]>,
}

/// What this crate's telemetry is attributed to.
pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("telemetry-axum")
        .with_version(env!("CARGO_PKG_VERSION"))
        .build()
}

impl ServerInstruments {
    pub(crate) fn new(providers: &Providers) -> Self {
        let meter = providers.meter(scope());
        let active = ActiveRequests::default();
        let observed = active.clone();
        // The meter keeps the callback; the instrument itself has nothing to call.
        let _ = meter
            .i64_observable_up_down_counter(SERVER_ACTIVE_REQUESTS)
            .with_description("Number of active HTTP server requests.")
            .with_unit("{request}")
            .with_callback(move |observer| {
                observed.each(|(method, known_server), scheme, count| {
                    let own = [
                        KeyValue::new(HTTP_REQUEST_METHOD, method),
                        KeyValue::new(URL_SCHEME, scheme),
                    ];
                    let server = known_servers::attributes(known_server);
                    let attributes: Vec<_> = own.into_iter().chain(server).collect();
                    observer.observe(count, &attributes);
                });
            })
            .build();
        Self {
            tracer: providers.tracer(scope()),
            propagation: providers.propagation().clone(),
            endpoints: Endpoints::new(active),
            duration: providers.duration_histogram(
                &meter,
                SERVER_REQUEST_DURATION,
                "Duration of HTTP server requests.",
                &DURATION_BOUNDS,
            ),
            series: SeriesCache::new(MAX_SERIES),
            beyond: SeriesCache::new(MAX_ROUTE_SERIES),
            meter,
            sizes: OnceLock::new(),
        }
    }

    /// The handles of these labels.
    pub(crate) fn series(&self, labels: &Labels<&str>) -> Arc<RequestSeries> {
        let own = self.series.get(labels, |series| match series {
            Series::Of(labels) => Some(self.bind(labels.attributes())),
            Series::Overflow => None,
        });
        own.unwrap_or_else(|| {
            let beyond = Beyond {
                route: labels.route,
                error: labels.ending.error,
            };
            self.beyond.get(&beyond, |series| {
                self.bind(match series {
                    Series::Of(beyond) => beyond.attributes(),
                    Series::Overflow => overflow(),
                })
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

    /// Measures the bytes of a request's and its response's body. Those of a request that nothing counted are left
    /// out.
    pub(crate) fn record_sizes(&self, series: &RequestSeries, request: Option<u64>, response: u64) {
        let [requests, responses] = series.sizes.get_or_init(|| {
            let sizes = self.sizes.get_or_init(|| BodySizes::new(&self.meter));
            [&sizes.request, &sizes.response].map(|size| size.bind(&series.attributes))
        });
        if let Some(request) = request {
            requests.record(request);
        }
        responses.record(response);
    }
}

impl BodySizes {
    fn new(meter: &Meter) -> Self {
        let histogram = |name, description| {
            meter
                .u64_histogram(name)
                .with_description(description)
                .with_unit("By")
                .with_boundaries(BODY_SIZE_BOUNDS.to_vec())
                .build()
        };
        Self {
            request: histogram(
                SERVER_REQUEST_BODY_SIZE,
                "Size of HTTP server request bodies.",
            ),
            response: histogram(
                SERVER_RESPONSE_BODY_SIZE,
                "Size of HTTP server response bodies.",
            ),
        }
    }
}

/// The labels of a request's duration. Never a host that is not listed, never a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Labels<R> {
    pub(crate) route: Option<R>,
    pub(crate) method: &'static str,
    pub(crate) known_server: Option<Authority<'static>>,
    pub(crate) ending: Ending,
}

/// The labels that are left of a request past the limit: those that no caller chooses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Beyond<R> {
    route: Option<R>,
    error: ErrorType,
}

/// The labels that differ between the requests of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ending {
    pub(crate) https: bool,
    pub(crate) version: Version,
    pub(crate) status: Option<u16>,
    pub(crate) error: ErrorType,
}

/// `error.type`, from a bounded set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ErrorType {
    None,
    Status(u16),
    Outcome(Outcome),
}

/// `url.scheme`.
pub(crate) fn scheme(https: bool) -> &'static str {
    if https { "https" } else { "http" }
}

impl ErrorType {
    pub(crate) fn value(self) -> Option<StringValue> {
        match self {
            Self::None => None,
            Self::Status(status) => Some(status.to_string().into()),
            Self::Outcome(outcome) => Some(outcome.error_type().into()),
        }
    }
}

impl Labels<&str> {
    fn attributes(&self) -> Vec<KeyValue> {
        let ending = &self.ending;
        let version = semconv_http::protocol_version(ending.version);
        let mut attributes = vec![
            KeyValue::new(HTTP_REQUEST_METHOD, self.method),
            KeyValue::new(URL_SCHEME, scheme(ending.https)),
            KeyValue::new(NETWORK_PROTOCOL_VERSION, version),
        ];
        attributes.extend(
            self.route
                .map(|route| KeyValue::new(HTTP_ROUTE, route.to_owned())),
        );
        attributes.extend(
            ending
                .status
                .map(|status| KeyValue::new(HTTP_RESPONSE_STATUS_CODE, i64::from(status))),
        );
        attributes.extend(
            ending
                .error
                .value()
                .map(|value| KeyValue::new(ERROR_TYPE, value)),
        );
        attributes.extend(known_servers::attributes(self.known_server));
        attributes
    }
}

impl Beyond<&str> {
    fn attributes(&self) -> Vec<KeyValue> {
        let route = self
            .route
            .map(|route| KeyValue::new(HTTP_ROUTE, route.to_owned()));
        let error = self.error.value();
        let error = error.map(|error| KeyValue::new(ERROR_TYPE, error));
        // First that by which the pipeline notices an overflow.
        overflow().into_iter().chain(route).chain(error).collect()
    }
}

impl hashbrown::Equivalent<Beyond<Arc<str>>> for Beyond<&str> {
    fn equivalent(&self, key: &Beyond<Arc<str>>) -> bool {
        self.route == key.route.as_deref() && self.error == key.error
    }
}

impl ToKey<Beyond<Arc<str>>> for Beyond<&str> {
    fn to_key(&self) -> Beyond<Arc<str>> {
        Beyond {
            route: self.route.map(Arc::from),
            error: self.error,
        }
    }
}

impl hashbrown::Equivalent<Labels<Arc<str>>> for Labels<&str> {
    fn equivalent(&self, key: &Labels<Arc<str>>) -> bool {
        self.route == key.route.as_deref()
            && self.method == key.method
            && self.known_server == key.known_server
            && self.ending == key.ending
    }
}

impl ToKey<Labels<Arc<str>>> for Labels<&str> {
    fn to_key(&self) -> Labels<Arc<str>> {
        Labels {
            route: self.route.map(Arc::from),
            method: self.method,
            known_server: self.known_server,
            ending: self.ending,
        }
    }
}
