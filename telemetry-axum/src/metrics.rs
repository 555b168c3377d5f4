//! The server's instruments, with a handle for each set of labels.

use std::{
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use opentelemetry::{InstrumentationScope, KeyValue, StringValue};
use telemetry_core::{
    Providers,
    metrics::{ActiveCount, ActiveGuard, BoundDuration, DurationHistogram, overflow},
    propagation::Propagation,
    semconv_http::{
        DURATION_BOUNDS, SERVER_ACTIVE_REQUESTS, SERVER_REQUEST_DURATION,
        attribute::{
            ERROR_TYPE, HTTP_REQUEST_METHOD, HTTP_RESPONSE_STATUS_CODE, HTTP_ROUTE,
            NETWORK_PROTOCOL_VERSION, URL_SCHEME,
        },
    },
    series::{Series, SeriesCache, ToKey},
    tracer::Tracer,
};

/// Routes times methods times statuses of a service; what goes beyond shares the overflow series. Below the SDK's
/// own limit of 2000, so that ours is the one that decides.
const MAX_SERIES: usize = 1500;

/// Everything a request is recorded with.
#[derive(Debug)]
pub(crate) struct ServerInstruments {
    pub(crate) tracer: Tracer,
    pub(crate) propagation: Propagation,
    pub(crate) active: ActiveRequests,
    duration: DurationHistogram,
    series: SeriesCache<Labels<Arc<str>>, BoundDuration>,
}

impl ServerInstruments {
    pub(crate) fn new(providers: &Providers) -> Self {
        let scope = InstrumentationScope::builder("telemetry-axum")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let meter = providers.meter(scope.clone());
        let active = ActiveRequests::default();
        let observed = active.clone();
        // The meter keeps the callback; the instrument itself has nothing to call.
        let _ = meter
            .i64_observable_up_down_counter(SERVER_ACTIVE_REQUESTS)
            .with_description("Number of active HTTP server requests.")
            .with_unit("{request}")
            .with_callback(move |observer| {
                observed.each(|method, scheme, count| {
                    let attributes = [
                        KeyValue::new(HTTP_REQUEST_METHOD, method),
                        KeyValue::new(URL_SCHEME, scheme),
                    ];
                    observer.observe(count, &attributes);
                });
            })
            .build();
        Self {
            tracer: providers.tracer(scope),
            propagation: providers.propagation().clone(),
            active,
            duration: providers.duration_histogram(
                &meter,
                SERVER_REQUEST_DURATION,
                "Duration of HTTP server requests.",
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

/// The labels of a request's duration. Never a host, never a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Labels<R> {
    pub(crate) route: Option<R>,
    pub(crate) method: &'static str,
    pub(crate) scheme: &'static str,
    pub(crate) version: &'static str,
    pub(crate) status: Option<u16>,
    pub(crate) error: ErrorType,
}

/// `error.type`, from a bounded set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ErrorType {
    None,
    Status(u16),
    Other(&'static str),
}

impl ErrorType {
    pub(crate) fn value(self) -> Option<StringValue> {
        match self {
            Self::None => None,
            Self::Status(status) => Some(status.to_string().into()),
            Self::Other(kind) => Some(kind.into()),
        }
    }
}

impl Labels<&str> {
    fn attributes(&self) -> Vec<KeyValue> {
        let mut attributes = vec![
            KeyValue::new(HTTP_REQUEST_METHOD, self.method),
            KeyValue::new(URL_SCHEME, self.scheme),
            KeyValue::new(NETWORK_PROTOCOL_VERSION, self.version),
        ];
        attributes.extend(
            self.route
                .map(|route| KeyValue::new(HTTP_ROUTE, route.to_owned())),
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
        self.route == key.route.as_deref()
            && (
                self.method,
                self.scheme,
                self.version,
                self.status,
                self.error,
            ) == (key.method, key.scheme, key.version, key.status, key.error)
    }
}

impl ToKey<Labels<Arc<str>>> for Labels<&str> {
    fn to_key(&self) -> Labels<Arc<str>> {
        Labels {
            route: self.route.map(Arc::from),
            method: self.method,
            scheme: self.scheme,
            version: self.version,
            status: self.status,
            error: self.error,
        }
    }
}

const METHODS: [&str; 10] = [
    "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE", "_OTHER",
];
const SCHEMES: [&str; 2] = ["http", "https"];

/// How many requests are being served, by method and scheme: a fixed table, so no caller can make it grow.
#[derive(Clone, Debug, Default)]
pub(crate) struct ActiveRequests(Arc<[[Cell; SCHEMES.len()]; METHODS.len()]>);

#[derive(Debug, Default)]
struct Cell {
    count: ActiveCount,
    /// Series that never counted anything are not reported.
    used: AtomicBool,
}

impl ActiveRequests {
    pub(crate) fn enter(&self, method: &'static str, scheme: &'static str) -> ActiveGuard {
        let method = METHODS
            .iter()
            .position(|known| *known == method)
            .unwrap_or(METHODS.len() - 1);
        let cell = &self.0[method][usize::from(scheme == "https")];
        cell.used.store(true, Ordering::Relaxed);
        cell.count.enter()
    }

    fn each(&self, mut report: impl FnMut(&'static str, &'static str, i64)) {
        for (cells, method) in self.0.iter().zip(METHODS) {
            for (cell, scheme) in cells.iter().zip(SCHEMES) {
                if cell.used.load(Ordering::Relaxed) {
                    report(method, scheme, cell.count.get());
                }
            }
        }
    }
}
