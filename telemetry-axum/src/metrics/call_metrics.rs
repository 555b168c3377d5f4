//! The instrument of gRPC calls.

use std::sync::Arc;

use opentelemetry::{KeyValue, trace::SpanContext};
use telemetry_api::instrument::{
    Providers,
    duration::{BoundDuration, DurationHistogram, overflow},
    series::{Series, SeriesCache},
};
use telemetry_semconv::{
    http::{DURATION_BOUNDS, attribute::ERROR_TYPE},
    rpc::{
        GRPC, SERVER_CALL_DURATION,
        attribute::{RPC_METHOD, RPC_RESPONSE_STATUS_CODE, RPC_SYSTEM_NAME},
    },
};

use super::instrumentation_scope::scope;

/// The most series: methods times statuses. Further calls share one overflow series.
const MAX_SERIES: usize = 1500;

/// `rpc.server.call.duration`, a histogram of seconds.
#[derive(Debug)]
pub(crate) struct CallMetrics {
    duration: DurationHistogram,
    series: SeriesCache<CallLabels, BoundDuration>,
}

/// The labels of a call. Each comes from a bounded set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CallLabels {
    /// The method, or `_OTHER` for one that does not exist.
    pub(crate) method: Arc<str>,
    /// The name of the status, such as `NOT_FOUND`.
    pub(crate) status: Option<&'static str>,
    /// `None` if the call did not fail, or failed by the caller's fault.
    pub(crate) error: Option<&'static str>,
}

impl CallMetrics {
    pub(crate) fn new(providers: &Providers) -> Self {
        let duration = providers.duration_histogram(
            &providers.meter(scope()),
            SERVER_CALL_DURATION,
            "Measures the duration of an incoming Remote Procedure Call (RPC).",
            &DURATION_BOUNDS,
        );
        Self {
            duration,
            series: SeriesCache::new(MAX_SERIES),
        }
    }

    /// Records a call of this duration. A sampled span becomes an exemplar.
    pub(crate) fn record(&self, labels: &CallLabels, seconds: f64, span: &SpanContext) {
        let series = self.series.get(labels, |series| {
            let attributes = match series {
                Series::Of(labels) => labels.attributes(),
                Series::Overflow => overflow(),
            };
            self.duration.bind(&attributes)
        });
        series.record(seconds, span);
    }
}

impl CallLabels {
    fn attributes(&self) -> Vec<KeyValue> {
        let mut attributes = vec![
            KeyValue::new(RPC_SYSTEM_NAME, GRPC),
            KeyValue::new(RPC_METHOD, self.method.clone()),
        ];
        let status = self.status;
        attributes.extend(status.map(|status| KeyValue::new(RPC_RESPONSE_STATUS_CODE, status)));
        attributes.extend(self.error.map(|error| KeyValue::new(ERROR_TYPE, error)));
        attributes
    }
}
