//! The state that a pool shares with the connections and transactions taken from it.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use opentelemetry::KeyValue;
use telemetry_api::instrument::{duration::BoundDuration, providers::Lazy};

use crate::{
    backend::{Backend, ErrorReader},
    metrics::{SqlInstruments, pools::PoolNumbers},
    options::Options,
    statement::cache::StatementCache,
};

/// Everything that is needed to observe a call, independent of the type of the database.
pub(crate) struct Observer {
    pub(crate) options: Options,
    /// The facts about the database, as attributes.
    pub(crate) common: Arc<[KeyValue]>,
    pub(crate) statements: StatementCache,
    pub(crate) errors: ErrorReader,
    pub(crate) numbers: Arc<PoolNumbers>,
    instruments: Lazy<SqlInstruments>,
    active: OnceLock<Active>,
}

/// The instruments, once there is a pipeline.
///
/// The series of the pool are bound at the first measurement, so that a pool whose options are still being set leaves
/// no series behind.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) instruments: Arc<SqlInstruments>,
    wait_time: OnceLock<BoundDuration>,
    use_time: OnceLock<BoundDuration>,
}

impl Observer {
    pub(crate) fn new<DB: Backend>(pool: &sqlx::Pool<DB>, options: Options) -> Arc<Self> {
        let observer = Self {
            common: options.facts.attributes().into(),
            statements: StatementCache::new(DB::DIALECT),
            errors: ErrorReader::of::<DB>(),
            numbers: Arc::new(PoolNumbers::new(pool, &options)),
            instruments: Lazy::new(options.providers.clone(), SqlInstruments::new),
            active: OnceLock::new(),
            options,
        };
        // A pool reports its size before its first use.
        observer.active();
        Arc::new(observer)
    }

    /// Returns `None` while there is no pipeline.
    pub(crate) fn active(&self) -> Option<&Active> {
        match self.active.get() {
            Some(active) => Some(active),
            None => self.activate(),
        }
    }

    #[cold]
    fn activate(&self) -> Option<&Active> {
        let instruments = self.instruments.get()?;
        Some(self.active.get_or_init(|| {
            instruments.pools.add(&self.numbers);
            Active {
                instruments: instruments.clone(),
                wait_time: OnceLock::new(),
                use_time: OnceLock::new(),
            }
        }))
    }

    /// The series of `db.client.connection.wait_time` of this pool.
    pub(crate) fn wait_time<'a>(&self, active: &'a Active) -> &'a BoundDuration {
        let bind = || active.instruments.wait_time(self.numbers.name());
        active.wait_time.get_or_init(bind)
    }

    /// The series of `db.client.connection.use_time` of this pool.
    pub(crate) fn use_time<'a>(&self, active: &'a Active) -> &'a BoundDuration {
        let bind = || active.instruments.use_time(self.numbers.name());
        active.use_time.get_or_init(bind)
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer")
            .field("facts", &self.options.facts)
            .finish_non_exhaustive()
    }
}
