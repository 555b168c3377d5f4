//! What a pool records, as its owner wants it.

use std::{sync::Arc, time::Duration};

use telemetry_api::instrument::Providers;

use crate::database::Facts;

/// Statements that take this long are worth a line in the log.
const SLOW: Duration = Duration::from_millis(250);

/// The choices behind the `with_` methods of a pool.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) facts: Facts,
    pub(crate) providers: Option<Providers>,
    pub(crate) pool_name: Option<Arc<str>>,
    pub(crate) slow: Option<Duration>,
    pub(crate) comments: bool,
    pub(crate) returned_rows: bool,
}

impl Settings {
    pub(crate) fn new(facts: Facts) -> Self {
        Self {
            facts,
            providers: None,
            pool_name: None,
            slow: Some(SLOW),
            comments: false,
            returned_rows: false,
        }
    }
}
