//! The tracer, the propagators and the metric instruments of HTTP clients.

pub(crate) mod active_requests;
mod body_sizes;
mod key;
pub(crate) mod labels;
pub(crate) mod limits;
pub(crate) mod server_address;
mod usual;

use std::sync::{Arc, OnceLock};

use opentelemetry::{InstrumentationScope, metrics::Meter, trace::SpanContext};
use telemetry_api::instrument::{
    Providers,
    duration::{ActiveGuard, BoundDuration, DurationHistogram},
    propagation::Propagation,
    series::SeriesCache,
    tracer::Tracer,
};
use telemetry_semconv::http::{CLIENT_REQUEST_DURATION, DURATION_BOUNDS};

use active_requests::{ActiveRequestLabels, ActiveRequests};
use body_sizes::BodySizeHistograms;
use key::AttemptKey;
use labels::AttemptLabels;
use limits::MAX_SERIES;
use server_address::{ServerAddress, ServerAddresses};

/// The instrumentation scope of all spans and metrics of this crate.
pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("telemetry-reqwest")
        .with_version(env!("CARGO_PKG_VERSION"))
        .build()
}

#[derive(Debug)]
pub(crate) struct HttpClientInstruments {
    pub(crate) tracer: Tracer,
    pub(crate) propagation: Propagation,
    pub(crate) addresses: ServerAddresses,
    meter: Meter,
    duration: DurationHistogram,
    series: SeriesCache<AttemptKey, Arc<BoundDuration>>,
    // These are made at the first measurement, which an option switches on.
    body_sizes: OnceLock<BodySizeHistograms>,
    active_requests: OnceLock<ActiveRequests>,
}

impl HttpClientInstruments {
    pub(crate) fn new(providers: &Providers) -> Self {
        let meter = providers.meter(scope());
        Self {
            tracer: providers.tracer(scope()),
            propagation: providers.propagation().clone(),
            addresses: ServerAddresses::new(),
            duration: providers.duration_histogram(
                &meter,
                CLIENT_REQUEST_DURATION,
                "Duration of HTTP client requests.",
                &DURATION_BOUNDS,
            ),
            series: SeriesCache::new(MAX_SERIES),
            meter,
            body_sizes: OnceLock::new(),
            active_requests: OnceLock::new(),
        }
    }

    /// Records the duration of an attempt in seconds. The span becomes the exemplar.
    pub(crate) fn record_duration(
        &self,
        address: &ServerAddress,
        labels: &AttemptLabels,
        seconds: f64,
        span: &SpanContext,
    ) {
        let find = || {
            let key = AttemptKey {
                address: address.clone(),
                labels: *labels,
            };
            self.series.get(&key, |series| {
                Arc::new(self.duration.bind(&AttemptKey::attributes_of(series)))
            })
        };
        address.with_duration(labels, find, |series| series.record(seconds, span));
    }

    /// Records body sizes in bytes, as far as they are known.
    pub(crate) fn record_body_sizes(
        &self,
        address: &ServerAddress,
        labels: &AttemptLabels,
        request: Option<u64>,
        response: Option<u64>,
    ) {
        let key = AttemptKey {
            address: address.clone(),
            labels: *labels,
        };
        self.body_sizes
            .get_or_init(|| BodySizeHistograms::new(&self.meter))
            .record(&key, request, response);
    }

    /// Counts a request under way until the guard is dropped.
    pub(crate) fn active_request(&self, labels: &ActiveRequestLabels) -> ActiveGuard {
        self.active_requests
            .get_or_init(|| ActiveRequests::new(&self.meter))
            .enter(labels)
    }
}
