//! The tracer and the metric instruments that all pools with the same providers share.

pub(crate) mod operation;
pub(crate) mod pools;

use std::fmt;

use opentelemetry::{InstrumentationScope, KeyValue};
use telemetry_api::instrument::{
    Providers,
    duration::{BoundDuration, DurationHistogram},
    tracer::Tracer,
};
use telemetry_semconv::db::{self, OPERATION_DURATION_BOUNDS};

use operation::Operations;
use pools::Pools;

/// The instrumentation scope of all spans and metrics of this crate.
pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("telemetry-sqlx")
        .with_version(env!("CARGO_PKG_VERSION"))
        .build()
}

pub(crate) struct SqlInstruments {
    pub(crate) tracer: Tracer,
    pub(crate) operations: Operations,
    pub(crate) pools: Pools,
    wait_time: DurationHistogram,
    use_time: DurationHistogram,
}

impl SqlInstruments {
    pub(crate) fn new(providers: &Providers) -> Self {
        let meter = providers.meter(scope());
        // The semantic conventions advise no bounds for the times of connections. An operation includes these times, so
        // its bounds fit.
        let histogram = |name, description| {
            providers.duration_histogram(&meter, name, description, &OPERATION_DURATION_BOUNDS)
        };
        Self {
            tracer: providers.tracer(scope()),
            operations: Operations::new(providers, &meter),
            pools: Pools::new(&meter),
            wait_time: histogram(
                db::CONNECTION_WAIT_TIME,
                "The time it took to obtain an open connection from the pool.",
            ),
            use_time: histogram(
                db::CONNECTION_USE_TIME,
                "The time between borrowing a connection and returning it to the pool.",
            ),
        }
    }

    /// The series of `db.client.connection.wait_time` of the pool with this name.
    pub(crate) fn wait_time(&self, pool_name: KeyValue) -> BoundDuration {
        self.wait_time.bind(&[pool_name])
    }

    /// The series of `db.client.connection.use_time` of the pool with this name.
    pub(crate) fn use_time(&self, pool_name: KeyValue) -> BoundDuration {
        self.use_time.bind(&[pool_name])
    }
}

impl fmt::Debug for SqlInstruments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlInstruments").finish_non_exhaustive()
    }
}
