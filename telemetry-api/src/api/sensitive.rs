//! Values that nobody may read in telemetry: outputs show a keyed hash of them, or nothing.

use crate::instrument::providers::Providers;

pub use crate::instrument::sensitive::{Sensitive, hash, install_hash_key};

impl Sensitive {
    /// The decision of the current [`Providers`]: the setting `TELEMETRY_SENSITIVE_VALUES`, `hash` or `drop`. Without
    /// providers it is `hash`.
    pub fn current() -> Self {
        Providers::current().map_or(Self::default(), |providers| providers.sensitive())
    }
}
