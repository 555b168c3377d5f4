//! The instruments of gRPC calls, with a handle for each set of labels.

use std::sync::Arc;

use opentelemetry::{InstrumentationScope, KeyValue, StringValue};
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

use crate::address::Address;

/// Addresses times methods times statuses; what goes beyond shares the overflow series.
const MAX_SERIES: usize = 1500;

/// Everything a call is recorded with.
#[derive(Debug)]
pub(crate) struct GrpcInstruments {
    pub(crate) tracer: Tracer,
    pub(crate) propagation: Propagation,
    duration: DurationHistogram,
    series: SeriesCache<Labels, Arc<BoundDuration>>,
    methods: SeriesCache<MethodKey<Box<str>>, KnownMethod>,
}

impl GrpcInstruments {
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
                CLIENT_CALL_DURATION,
                "Measures the duration of an outgoing Remote Procedure Call (RPC).",
                &DURATION_BOUNDS,
            ),
            series: SeriesCache::new(MAX_SERIES),
            methods: SeriesCache::new(MAX_SERIES),
        }
    }

    /// The name of a method, made once.
    pub(crate) fn method(&self, method: &GrpcMethod<'_>) -> KnownMethod {
        let key = MethodKey {
            service: method.service(),
            method: method.method(),
        };
        self.methods.get(&key, |series| match series {
            Series::Of(key) => Some([key.service, "/", key.method].concat().into()),
            Series::Overflow => None,
        })
    }

    pub(crate) fn duration(&self, labels: &Labels) -> Arc<BoundDuration> {
        self.series.get(labels, |series| {
            let attributes = match series {
                Series::Of(labels) => labels.attributes(),
                Series::Overflow => overflow(),
            };
            Arc::new(self.duration.bind(&attributes))
        })
    }
}

/// `package.Service/Method` of a generated client; `None`: not known to be a method.
pub(crate) type KnownMethod = Option<Arc<str>>;

/// `rpc.method`.
pub(crate) fn method_name(method: &KnownMethod) -> StringValue {
    match method {
        Some(method) => method.clone().into(),
        None => OTHER_METHOD.into(),
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct MethodKey<T> {
    service: T,
    method: T,
}

impl hashbrown::Equivalent<MethodKey<Box<str>>> for MethodKey<&str> {
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

/// The labels of a call's duration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Labels {
    pub(crate) address: Address,
    pub(crate) method: KnownMethod,
    pub(crate) status: &'static str,
    pub(crate) error: Option<&'static str>,
}

impl Labels {
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
