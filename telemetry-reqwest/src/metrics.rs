//! The client's instruments, with a handle for each set of labels.

use std::sync::Arc;

use opentelemetry::{InstrumentationScope, KeyValue};
use telemetry_core::{
    Providers,
    metrics::{BoundDuration, DurationHistogram, overflow},
    propagation::Propagation,
    semconv_http::{
        CLIENT_REQUEST_DURATION, DURATION_BOUNDS,
        attribute::{
            ERROR_TYPE, HTTP_REQUEST_METHOD, HTTP_RESPONSE_STATUS_CODE, NETWORK_PROTOCOL_VERSION,
            SERVER_ADDRESS, SERVER_PORT,
        },
    },
    series::{Series, SeriesCache, ToKey},
    tracer::Tracer,
};

use crate::error_type::ErrorType;

/// Servers times methods times statuses; what goes beyond shares the overflow series. Below the SDK's own limit of
/// 2000, so that ours is the one that decides.
const MAX_SERIES: usize = 1500;

/// Everything an attempt is recorded with.
#[derive(Debug)]
pub(crate) struct ClientInstruments {
    pub(crate) tracer: Tracer,
    pub(crate) propagation: Propagation,
    duration: DurationHistogram,
    series: SeriesCache<Labels<Arc<str>>, BoundDuration>,
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
            duration: providers.duration_histogram(
                &meter,
                CLIENT_REQUEST_DURATION,
                "Duration of HTTP client requests.",
                &DURATION_BOUNDS,
            ),
            series: SeriesCache::new(MAX_SERIES),
        }
    }

    pub(crate) fn duration(&self, labels: &Labels<&str>) -> BoundDuration {
        self.series.get(labels, |series| match series {
            Series::Of(labels) => self.duration.bind(&labels.attributes()),
            Series::Overflow => self.duration.bind(&overflow()),
        })
    }
}

/// The labels of an attempt's duration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Labels<H> {
    pub(crate) host: H,
    pub(crate) port: Option<u16>,
    pub(crate) method: &'static str,
    pub(crate) version: Option<&'static str>,
    pub(crate) status: Option<u16>,
    pub(crate) error: ErrorType,
}

impl Labels<&str> {
    fn attributes(&self) -> Vec<KeyValue> {
        let mut attributes = vec![
            KeyValue::new(HTTP_REQUEST_METHOD, self.method),
            KeyValue::new(SERVER_ADDRESS, self.host.to_owned()),
        ];
        attributes.extend(
            self.port
                .map(|port| KeyValue::new(SERVER_PORT, i64::from(port))),
        );
        attributes.extend(
            self.version
                .map(|version| KeyValue::new(NETWORK_PROTOCOL_VERSION, version)),
        );
        attributes.extend(
            self.status
                .map(|status| KeyValue::new(HTTP_RESPONSE_STATUS_CODE, i64::from(status))),
        );
        attributes.extend(
            self.error
                .value()
                .map(|value| KeyValue::new(ERROR_TYPE, value)),
        );
        attributes
    }
}

impl hashbrown::Equivalent<Labels<Arc<str>>> for Labels<&str> {
    fn equivalent(&self, key: &Labels<Arc<str>>) -> bool {
        *self.host == *key.host
            && (
                self.port,
                self.method,
                self.version,
                self.status,
                self.error,
            ) == (key.port, key.method, key.version, key.status, key.error)
    }
}

impl ToKey<Labels<Arc<str>>> for Labels<&str> {
    fn to_key(&self) -> Labels<Arc<str>> {
        Labels {
            host: Arc::from(self.host),
            port: self.port,
            method: self.method,
            version: self.version,
            status: self.status,
            error: self.error,
        }
    }
}
