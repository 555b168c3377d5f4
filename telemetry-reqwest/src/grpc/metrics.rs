//! The tracer, the propagators and the metric instruments of gRPC calls.

use std::sync::Arc;

use hashbrown::Equivalent;
use opentelemetry::{KeyValue, StringValue};
use telemetry_api::instrument::{
    Providers,
    duration::{BoundDuration, DurationHistogram, overflow},
    propagation::Propagation,
    series::{Series, SeriesCache, ToKey},
    tracer::Tracer,
};
use telemetry_semconv::{
    http::{DURATION_BOUNDS, attribute::ERROR_TYPE},
    rpc::{
        CLIENT_CALL_DURATION, GRPC, OTHER_METHOD,
        attribute::{RPC_METHOD, RPC_RESPONSE_STATUS_CODE, RPC_SYSTEM_NAME},
    },
};
use tonic::GrpcMethod;

use crate::metrics::{limits::MAX_SERIES, scope, server_address::ServerAddress};

#[derive(Debug)]
pub(super) struct GrpcInstruments {
    pub(super) tracer: Tracer,
    pub(super) propagation: Propagation,
    duration: DurationHistogram,
    series: SeriesCache<GrpcLabels, Arc<BoundDuration>>,
    methods: SeriesCache<MethodKey<Box<str>>, KnownMethod>,
}

impl GrpcInstruments {
    pub(super) fn new(providers: &Providers) -> Self {
        let meter = providers.meter(scope());
        Self {
            tracer: providers.tracer(scope()),
            propagation: providers.propagation().clone(),
            duration: providers.duration_histogram(
                &meter,
                CLIENT_CALL_DURATION,
                "Measures the duration of an outgoing Remote Procedure Call (RPC).",
                &DURATION_BOUNDS,
            ),
            series: SeriesCache::new(MAX_SERIES),
            methods: SeriesCache::new(MAX_SERIES),
        }
    }

    /// The name of a method. Each name is made once.
    pub(super) fn method(&self, method: &GrpcMethod<'_>) -> KnownMethod {
        let key = MethodKey {
            service: method.service(),
            method: method.method(),
        };
        self.methods.get(&key, |series| match series {
            Series::Of(key) => Some([key.service, "/", key.method].concat().into()),
            Series::Overflow => None,
        })
    }

    /// The series of `rpc.client.call.duration` with these labels.
    pub(super) fn duration(&self, labels: &GrpcLabels) -> Arc<BoundDuration> {
        self.series.get(labels, |series| {
            let attributes = match series {
                Series::Of(labels) => labels.attributes(),
                Series::Overflow => overflow(),
            };
            Arc::new(self.duration.bind(&attributes))
        })
    }
}

/// `package.Service/Method` of a generated client. `None` for a path that no generated client named.
pub(super) type KnownMethod = Option<Arc<str>>;

/// The value of `rpc.method`.
pub(super) fn method_name(method: &KnownMethod) -> StringValue {
    match method {
        Some(method) => method.clone().into(),
        None => OTHER_METHOD.into(),
    }
}

/// The key of a method, owned in the cache and borrowed from the request for a look-up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct MethodKey<T> {
    service: T,
    method: T,
}

impl Equivalent<MethodKey<Box<str>>> for MethodKey<&str> {
    fn equivalent(&self, key: &MethodKey<Box<str>>) -> bool {
        *self.service == *key.service && *self.method == *key.method
    }
}

impl ToKey<MethodKey<Box<str>>> for MethodKey<&str> {
    fn to_key(&self) -> MethodKey<Box<str>> {
        MethodKey {
            service: self.service.into(),
            method: self.method.into(),
        }
    }
}

/// The labels of the duration of a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct GrpcLabels {
    pub(super) address: ServerAddress,
    pub(super) method: KnownMethod,
    pub(super) status: &'static str,
    pub(super) error: Option<&'static str>,
}

impl GrpcLabels {
    fn attributes(&self) -> Vec<KeyValue> {
        let mut attributes = vec![
            KeyValue::new(RPC_SYSTEM_NAME, GRPC),
            KeyValue::new(RPC_METHOD, method_name(&self.method)),
            KeyValue::new(RPC_RESPONSE_STATUS_CODE, self.status),
        ];
        self.address.push_to(&mut attributes);
        attributes.extend(self.error.map(|error| KeyValue::new(ERROR_TYPE, error)));
        attributes
    }
}
