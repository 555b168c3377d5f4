//! What a pool shares with the connections and transactions taken from it.

use std::{
    fmt,
    sync::{Arc, OnceLock, Weak},
};

use opentelemetry::KeyValue;
use telemetry_api::instrument::{duration::BoundDuration, providers::Lazy};

use crate::{
    database::{Backend, Errors},
    metrics::Instruments,
    pool_metrics::PoolState,
    settings::Settings,
    statement::Statements,
};

/// Everything needed to observe a statement, independent of the type of the database.
pub(crate) struct Observer {
    pub(crate) settings: Settings,
    /// The facts as attributes.
    pub(crate) common: Arc<[KeyValue]>,
    pub(crate) statements: Statements,
    pub(crate) errors: Errors,
    pub(crate) pool: PoolState,
    instruments: Lazy<Instruments>,
    ready: OnceLock<Ready>,
    /// For the meter, which must not keep the pool alive.
    this: Weak<Self>,
}

/// What there is once there is a pipeline. The series of the pool are bound when first recorded, so that a pool that
/// is still being set up leaves none behind.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) instruments: Arc<Instruments>,
    waited: OnceLock<BoundDuration>,
    used: OnceLock<BoundDuration>,
}

impl Observer {
    pub(crate) fn new<DB: Backend>(pool: &sqlx::Pool<DB>, settings: Settings) -> Arc<Self> {
        let observer = Arc::new_cyclic(|this| Self {
            common: settings.facts.attributes().into(),
            statements: Statements::new(DB::DIALECT),
            errors: Errors::of::<DB>(),
            pool: PoolState::new(pool, &settings),
            instruments: Lazy::new(settings.providers.clone(), Instruments::new),
            ready: OnceLock::new(),
            settings,
            this: this.clone(),
        });
        // A pool that nobody uses yet has a size too.
        observer.ready();
        observer
    }

    /// `None` while there is no pipeline.
    pub(crate) fn ready(&self) -> Option<&Ready> {
        match self.ready.get() {
            Some(ready) => Some(ready),
            None => self.resolve(),
        }
    }

    #[cold]
    fn resolve(&self) -> Option<&Ready> {
        let instruments = self.instruments.get()?;
        Some(self.ready.get_or_init(|| {
            instruments.pools.add(self.this.clone());
            Ready {
                instruments: instruments.clone(),
                waited: OnceLock::new(),
                used: OnceLock::new(),
            }
        }))
    }

    /// `db.client.connection.wait_time` of this pool.
    pub(crate) fn waited<'a>(&self, ready: &'a Ready) -> &'a BoundDuration {
        ready
            .waited
            .get_or_init(|| ready.instruments.wait_time.bind(&[self.pool.name()]))
    }

    /// `db.client.connection.use_time` of this pool.
    pub(crate) fn used<'a>(&self, ready: &'a Ready) -> &'a BoundDuration {
        ready
            .used
            .get_or_init(|| ready.instruments.use_time.bind(&[self.pool.name()]))
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer")
            .field("facts", &self.settings.facts)
            .finish_non_exhaustive()
    }
}
