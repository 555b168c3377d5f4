//! The client's instruments, with a handle for each set of labels.

use std::{
    ptr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use http::Version;
use opentelemetry::{
    InstrumentationScope, KeyValue,
    metrics::{BoundHistogram, Histogram, Meter},
    trace::SpanContext,
};
use telemetry_api::instrument::{
    Providers,
    duration::{ActiveCount, ActiveGuard, BoundDuration, DurationHistogram, overflow},
    propagation::Propagation,
    series::{Series, SeriesCache},
    tracer::Tracer,
};
use telemetry_semconv::http::{
    CLIENT_ACTIVE_REQUESTS, CLIENT_REQUEST_BODY_SIZE, CLIENT_REQUEST_DURATION,
    CLIENT_RESPONSE_BODY_SIZE, DURATION_BOUNDS,
    attribute::{
        ERROR_TYPE, HTTP_REQUEST_METHOD, HTTP_RESPONSE_STATUS_CODE, NETWORK_PROTOCOL_VERSION,
        URL_TEMPLATE,
    },
    protocol_version,
};

use crate::{
    address::{Address, Addresses},
    error_type::ErrorType,
};

/// Addresses times methods times statuses; what goes beyond shares the overflow series. Below the SDK's own limit of
/// 2000, so that ours is the one that decides.
const MAX_SERIES: usize = 1500;

/// From a status line to a download, in bytes. The convention advises none.
const SIZE_BOUNDS: [f64; 10] = [0.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10];

/// Everything an attempt is recorded with.
#[derive(Debug)]
pub(crate) struct ClientInstruments {
    pub(crate) tracer: Tracer,
    pub(crate) propagation: Propagation,
    pub(crate) addresses: Addresses,
    meter: Meter,
    duration: DurationHistogram,
    series: SeriesCache<Keyed, Arc<BoundDuration>>,
    // Made when an option first asks for them.
    sizes: OnceLock<Sizes>,
    active: OnceLock<ActiveRequests>,
}

impl ClientInstruments {
    pub(crate) fn new(providers: &Providers) -> Self {
        let scope = InstrumentationScope::builder("telemetry-reqwest")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let meter = providers.meter(scope.clone());
        Self {
            tracer: providers.tracer(scope),
            propagation: providers.propagation().clone(),
            addresses: Addresses::new(),
            duration: providers.duration_histogram(
                &meter,
                CLIENT_REQUEST_DURATION,
                "Duration of HTTP client requests.",
                &DURATION_BOUNDS,
            ),
            series: SeriesCache::new(MAX_SERIES),
            meter,
            sizes: OnceLock::new(),
            active: OnceLock::new(),
        }
    }

    /// Records seconds at an address, with the span as their example.
    pub(crate) fn record_duration(
        &self,
        address: &Address,
        labels: &Labels,
        seconds: f64,
        span: &SpanContext,
    ) {
        let resolve = |address: &Address| {
            let key = Keyed {
                address: address.clone(),
                labels: *labels,
            };
            self.series.get(&key, |series| {
                Arc::new(self.duration.bind(&attributes_of(series)))
            })
        };
        address.with_duration(labels, resolve, |bound| bound.record(seconds, span));
    }

    pub(crate) fn record_sizes(
        &self,
        address: &Address,
        labels: &Labels,
        request: Option<u64>,
        response: Option<u64>,
    ) {
        let sizes = self.sizes.get_or_init(|| Sizes::new(&self.meter));
        let key = Keyed {
            address: address.clone(),
            labels: *labels,
        };
        let bound = sizes.series.get(&key, |series| {
            let attributes = attributes_of(series);
            Arc::new([
                sizes.request.bind(&attributes),
                sizes.response.bind(&attributes),
            ])
        });
        for (bound, bytes) in bound.iter().zip([request, response]) {
            if let Some(bytes) = bytes {
                bound.record(bytes);
            }
        }
    }

    pub(crate) fn active(&self, key: &ActiveKey) -> ActiveGuard {
        self.active
            .get_or_init(|| ActiveRequests::new(&self.meter))
            .enter(key)
    }
}

/// A series of an attempt's duration and sizes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Keyed {
    address: Address,
    labels: Labels,
}

/// Its labels beside the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Labels {
    pub(crate) method: &'static str,
    pub(crate) template: Option<&'static str>,
    pub(crate) version: Option<Version>,
    pub(crate) status: Option<u16>,
    pub(crate) error: ErrorType,
}

impl Labels {
    /// Compares texts by their address, so a `false` may be wrong and then costs a look-up.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let templates = match (self.template, other.template) {
            (Some(one), Some(other)) => ptr::eq(one, other),
            (None, None) => true,
            _ => false,
        };
        templates
            && ptr::eq(self.method, other.method)
            && self.status == other.status
            && self.version == other.version
            && self.error == other.error
    }
}

impl Keyed {
    fn attributes(&self) -> Vec<KeyValue> {
        let labels = &self.labels;
        let mut attributes = vec![KeyValue::new(HTTP_REQUEST_METHOD, labels.method)];
        self.address.push_to(&mut attributes);
        let optional = [
            labels
                .template
                .map(|template| KeyValue::new(URL_TEMPLATE, template)),
            labels
                .version
                .map(|version| KeyValue::new(NETWORK_PROTOCOL_VERSION, protocol_version(version))),
            labels
                .status
                .map(|status| KeyValue::new(HTTP_RESPONSE_STATUS_CODE, i64::from(status))),
            labels
                .error
                .value()
                .map(|value| KeyValue::new(ERROR_TYPE, value)),
        ];
        attributes.extend(optional.into_iter().flatten());
        attributes
    }
}

fn attributes_of(series: Series<'_, Keyed>) -> Vec<KeyValue> {
    match series {
        Series::Of(key) => key.attributes(),
        Series::Overflow => overflow(),
    }
}

#[derive(Debug)]
struct Sizes {
    request: Histogram<u64>,
    response: Histogram<u64>,
    series: SeriesCache<Keyed, Arc<[BoundHistogram<u64>; 2]>>,
}

impl Sizes {
    fn new(meter: &Meter) -> Self {
        let histogram = |name, description| {
            meter
                .u64_histogram(name)
                .with_description(description)
                .with_unit("By")
                .with_boundaries(SIZE_BOUNDS.to_vec())
                .build()
        };
        Self {
            request: histogram(
                CLIENT_REQUEST_BODY_SIZE,
                "Size of HTTP client request bodies.",
            ),
            response: histogram(
                CLIENT_RESPONSE_BODY_SIZE,
                "Size of HTTP client response bodies.",
            ),
            series: SeriesCache::new(MAX_SERIES),
        }
    }
}

/// The labels of active requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ActiveKey {
    pub(crate) address: Address,
    pub(crate) method: &'static str,
    pub(crate) template: Option<&'static str>,
}

/// Each series with its count, for the meter to read.
type Reported = Arc<Mutex<Vec<(Vec<KeyValue>, ActiveCount)>>>;

/// How many requests are under way, by address, method and template.
#[derive(Debug)]
struct ActiveRequests {
    counts: SeriesCache<ActiveKey, ActiveCount>,
    reported: Reported,
}

impl ActiveRequests {
    fn new(meter: &Meter) -> Self {
        let reported = Reported::default();
        let observed = reported.clone();
        // The meter keeps the callback; the instrument itself has nothing to call.
        let _ = meter
            .i64_observable_up_down_counter(CLIENT_ACTIVE_REQUESTS)
            .with_description("Number of active HTTP requests.")
            .with_unit("{request}")
            .with_callback(move |observer| {
                for (attributes, count) in observed
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .iter()
                {
                    observer.observe(count.get(), attributes);
                }
            })
            .build();
        Self {
            counts: SeriesCache::new(MAX_SERIES),
            reported,
        }
    }

    fn enter(&self, key: &ActiveKey) -> ActiveGuard {
        let count = self.counts.get(key, |series| {
            let attributes = match series {
                Series::Of(key) => {
                    let mut attributes = vec![KeyValue::new(HTTP_REQUEST_METHOD, key.method)];
                    key.address.push_to(&mut attributes);
                    attributes.extend(
                        key.template
                            .map(|template| KeyValue::new(URL_TEMPLATE, template)),
                    );
                    attributes
                }
                Series::Overflow => overflow(),
            };
            let count = ActiveCount::default();
            self.reported
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((attributes, count.clone()));
            count
        });
        count.enter()
    }
}
