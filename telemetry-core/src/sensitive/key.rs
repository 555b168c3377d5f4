//! The key of the hashes, where it is set.

use std::fmt;

use super::{KEYED, keyed};

/// A key that no output shows.
#[derive(Clone)]
pub(crate) struct HashKey(pub(crate) String);

impl HashKey {
    /// Makes it the key of the process; the first one counts, also if that was the random one.
    pub(crate) fn set(&self) {
        KEYED.get_or_init(|| keyed(self.0.as_bytes()));
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(REDACTED)")
    }
}
