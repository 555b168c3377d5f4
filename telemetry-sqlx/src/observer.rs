//! What a pool shares with the connections and transactions taken from it.

use std::{fmt, sync::Arc};

use opentelemetry::KeyValue;
use sqlx::Connection;
use telemetry_core::{Providers, providers::Lazy};

use crate::{
    database::{Backend, Facts, SafeMessage},
    metrics::Instruments,
    statement::Statements,
};

/// Everything needed to observe a statement, independent of the type of the database.
pub(crate) struct Observer {
    pub(crate) facts: Facts,
    /// The facts as attributes.
    pub(crate) common: Arc<[KeyValue]>,
    pub(crate) instruments: Lazy<Instruments>,
    pub(crate) statements: Statements,
    pub(crate) safe_message: SafeMessage,
}

impl Observer {
    pub(crate) fn of<DB: Backend>(options: &<DB::Connection as Connection>::Options) -> Arc<Self> {
        Self::new::<DB>(DB::facts(options), None)
    }

    pub(crate) fn new<DB: Backend>(facts: Facts, providers: Option<Providers>) -> Arc<Self> {
        Arc::new(Self {
            common: facts.attributes().into(),
            facts,
            instruments: Lazy::new(providers, Instruments::new),
            statements: Statements::new(DB::DIALECT),
            safe_message: DB::safe_message,
        })
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer")
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}
