//! The options of a pool, as one value.

use std::{sync::Arc, time::Duration};

use telemetry_api::instrument::Providers;

use crate::backend::Facts;

/// The default threshold of the slow-query log.
const SLOW_THRESHOLD: Duration = Duration::from_millis(250);

/// The choices behind the `with_` methods of a pool.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) facts: Facts,
    /// `None`: the providers that are current when the pool is made or first used.
    pub(crate) providers: Option<Providers>,
    /// `None`: the name that the semantic conventions compose of the facts.
    pub(crate) pool_name: Option<Arc<str>>,
    /// `None`: no call is slow.
    pub(crate) slow_threshold: Option<Duration>,
    pub(crate) sql_comments: bool,
    pub(crate) returned_rows: bool,
}

impl Options {
    pub(crate) fn new(facts: Facts) -> Self {
        Self {
            facts,
            providers: None,
            pool_name: None,
            slow_threshold: Some(SLOW_THRESHOLD),
            sql_comments: false,
            returned_rows: false,
        }
    }
}
